/* The futex syscall by itself: wait, wake, bitsets, relative and absolute timeouts, private and shared keys, errors. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum { WAITERS = 6 };

static volatile int word, aliases;
static volatile int woken_order[WAITERS], woken;
static volatile int ready;

static long futex(volatile int *at, int operation, int value, const struct timespec *timeout, int value3) {
  return raw_syscall(SYS_futex, (long)at, operation, value, (long)timeout, 0, value3);
}

static void *waits(void *arg) {
  long which = (long)arg;
  __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
  long result = futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, 1 << which);
  CHECK(result == 0);
  woken_order[__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST)] = which;
  return NULL;
}

/* Wakes `count` waiters of a bit set, however long they take to go to sleep. */
static void wake(int count, int bits) {
  while (count > 0) {
    long result = futex(&word, FUTEX_WAKE_BITSET_PRIVATE, count, NULL, bits);
    CHECK(result >= 0 && result <= count);
    count -= result;
    if (result == 0)
      sched_yield();
  }
}

static void bitsets(void) {
  pthread_t threads[WAITERS];
  for (long i = 0; i < WAITERS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, waits, (void *)i));
  wake(1, 1 << 4);
  CHECK_ZERO(pthread_join(threads[4], NULL));
  CHECK(woken == 1 && woken_order[0] == 4);
  wake(2, 1 << 0 | 1 << 5);
  CHECK_ZERO(pthread_join(threads[0], NULL));
  CHECK_ZERO(pthread_join(threads[5], NULL));
  CHECK(woken == 3);
  wake(3, FUTEX_BITSET_MATCH_ANY);
  for (int i = 1; i < 4; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(woken == WAITERS && futex(&word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, 0) == 0);
  for (int i = 0; i < WAITERS; i++)
    printf("%d ", woken_order[i]);
  printf("is the order of waking\n");
}

static void timeouts(void) {
  struct timespec time = {0, 3000000};
  int64_t start = now_us();
  CHECK(futex(&word, FUTEX_WAIT_PRIVATE, 0, &time, 0) == -ETIMEDOUT);
  CHECK(now_us() - start >= 3000);
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &time));
  time.tv_sec -= 10;
  CHECK(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &time, -1) == -ETIMEDOUT);
  CHECK_SYS(clock_gettime(CLOCK_REALTIME, &time));
  time.tv_nsec += 2000000;
  if (time.tv_nsec >= 1000000000) {
    time.tv_nsec -= 1000000000;
    time.tv_sec++;
  }
  CHECK(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &time, -1) == -ETIMEDOUT);
  printf("timed out after %ld us\n", (long)(now_us() - start));
  time.tv_nsec = 1000000000;
  CHECK(futex(&word, FUTEX_WAIT_PRIVATE, 0, &time, 0) == -EINVAL);
}

static void *waits_private(void *arg) {
  CHECK(futex(&aliases, FUTEX_WAIT_PRIVATE, 0, NULL, 0) == 0);
  return arg;
}

int main(void) {
  bitsets();
  timeouts();
  CHECK(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, 0) == -EAGAIN);
  CHECK(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, 0) == -EINVAL);
  CHECK(futex((int *)8, FUTEX_WAIT, 0, NULL, 0) == -EFAULT);
  CHECK(futex(&word, 99, 0, NULL, 0) == -ENOSYS);
  CHECK(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, 0) == -EINVAL);

  /* The private and the shared key of one word are two keys. */
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, waits_private, NULL));
  for (int i = 0; i < 50; i++) {
    CHECK(futex(&aliases, FUTEX_WAKE, 1, NULL, 0) == 0);
    sched_yield();
  }
  while (futex(&aliases, FUTEX_WAKE_PRIVATE, 1, NULL, 0) == 0)
    sched_yield();
  CHECK_ZERO(pthread_join(thread, NULL));
  return done();
}
