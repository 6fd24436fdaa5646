/* The futex operations that write owner tids: LOCK_PI, TRYLOCK_PI, UNLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum { WAITERS = 4 };

static volatile unsigned lock, condition, dead_lock;
static volatile int inside, served, order[WAITERS], contender_in;

static long futex(volatile unsigned *at, int operation, unsigned value, long value2, volatile unsigned *at2,
                  unsigned value3) {
  return raw_syscall(SYS_futex, (long)at, operation | FUTEX_PRIVATE_FLAG, value, value2, (long)at2, value3);
}

static void *contends(void *arg) {
  CHECK(futex(&lock, FUTEX_LOCK_PI, 0, 0, NULL, 0) == 0);
  CHECK((lock & FUTEX_TID_MASK) == (unsigned)gettid());
  contender_in = 1;
  CHECK(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0) == 0);
  return arg;
}

static void *waits(void *arg) {
  /* Sleeps on `condition`, wakes up as the owner of `lock`. */
  long result = futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, 0, &lock, 0);
  CHECK(result == 0);
  CHECK((lock & FUTEX_TID_MASK) == (unsigned)gettid());
  CHECK(++inside == 1);
  order[served++] = (int)(long)arg;
  sched_yield();
  CHECK(--inside == 0);
  CHECK(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0) == 0);
  return NULL;
}

int main(void) {
  pthread_t threads[WAITERS];
  long result = futex(&lock, FUTEX_LOCK_PI, 0, 0, NULL, 0);
  if (result == -ENOSYS)
    skip("no PI futexes");
  CHECK(result == 0 && lock == (unsigned)gettid());
  CHECK(futex(&lock, FUTEX_LOCK_PI, 0, 0, NULL, 0) == -EDEADLK);
  CHECK(futex(&lock, FUTEX_TRYLOCK_PI, 0, 0, NULL, 0) == -EDEADLK);
  CHECK_ZERO(pthread_create(&threads[0], NULL, contends, NULL));
  while (!(lock & FUTEX_WAITERS))
    sched_yield();
  printf("contended word %#x\n", lock);
  CHECK(!contender_in);
  CHECK(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0) == 0);
  CHECK_ZERO(pthread_join(threads[0], NULL));
  CHECK(lock == 0 && contender_in);
  CHECK(futex(&lock, FUTEX_UNLOCK_PI, 0, 0, NULL, 0) == -EPERM);

  for (long i = 0; i < WAITERS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, waits, (void *)i));
  int moved = 0;
  while (moved < WAITERS) {
    result = futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, INT_MAX, &lock, 0);
    CHECK(result >= 0);
    moved += result;
    sched_yield();
  }
  for (int i = 0; i < WAITERS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(served == WAITERS);
  for (int i = 0; i < WAITERS; i++)
    printf("%d ", order[i]);
  printf("is the order of owners\n");

  /* The word names a task that is gone. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(0);
  wait_exit(pid, 0);
  dead_lock = pid;
  CHECK(futex(&dead_lock, FUTEX_LOCK_PI, 0, 0, NULL, 0) == -ESRCH);
  dead_lock = pid | FUTEX_OWNER_DIED;
  result = futex(&dead_lock, FUTEX_LOCK_PI, 0, 0, NULL, 0);
  printf("lock of dead %d: %ld, word %#x\n", pid, result, dead_lock);
  return done();
}
