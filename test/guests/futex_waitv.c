/* futex_waitv: one task asleep on many words. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum { WORDS = 16 };

static volatile unsigned words[WORDS];
static volatile long got = -1;

static long waitv(unsigned count, const struct timespec *deadline) {
  static struct futex_waitv vector[WORDS];
  for (unsigned i = 0; i < count; i++)
    vector[i] = (struct futex_waitv){.uaddr = (uintptr_t)&words[i], .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG};
  return raw_syscall(SYS_futex_waitv, (long)vector, count, 0, (long)deadline, CLOCK_MONOTONIC, 0);
}

static void *waits(void *arg) {
  got = waitv(WORDS, NULL);
  return arg;
}

int main(void) {
  struct timespec deadline;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &deadline));
  deadline.tv_nsec += 2000000;
  if (deadline.tv_nsec >= 1000000000) {
    deadline.tv_nsec -= 1000000000;
    deadline.tv_sec++;
  }
  long result = waitv(3, &deadline);
  if (result == -ENOSYS)
    skip("no futex_waitv");
  CHECK(result == -ETIMEDOUT);
  for (int round = 0; round < 5; round++) {
    pthread_t thread;
    int which = (getpid() + round * 7) % WORDS;
    got = -1;
    CHECK_ZERO(pthread_create(&thread, NULL, waits, NULL));
    while (raw_syscall(SYS_futex, (long)&words[which], FUTEX_WAKE_PRIVATE, 1, 0, 0, 0) == 0)
      sched_yield();
    CHECK_ZERO(pthread_join(thread, NULL));
    CHECK(got == which);
    printf("woken by word %ld\n", got);
  }
  words[2] = 1;
  CHECK(waitv(4, NULL) == -EAGAIN);
  CHECK(waitv(0, NULL) == -EINVAL);
  CHECK(raw_syscall(SYS_futex_waitv, (long)words, 129, 0, 0, 0, 0) == -EINVAL);
  return done();
}
