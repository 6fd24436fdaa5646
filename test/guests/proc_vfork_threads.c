/* vfork stops the calling thread alone: the process's other threads go on, in memory that the child writes as well. */
#include "guest_tasks.h"

enum { THREADS = 3, ROUNDS = 8 };

static volatile long ticks;
static volatile int stop;

static void *ticking(void *arg) {
  while (!stop) {
    ticks++;
    sched_yield();
  }
  return arg;
}

int main(void) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, ticking, (void *)i));
  volatile long during = 0;
  for (int i = 0; i < ROUNDS; i++) {
    pid_t pid = vfork();
    if (pid == 0) {
      long start = ticks;
      /* The others make progress, or this never ends. */
      while (ticks == start)
        raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
      during = during + (ticks - start);
      _exit(i);
    }
    wait_exit(CHECK_SYS(pid), i);
  }
  stop = 1;
  for (long i = 0; i < THREADS; i++) {
    void *result;
    CHECK_ZERO(pthread_join(threads[i], &result));
    CHECK((long)result == i);
  }
  CHECK(during >= ROUNDS);
  printf("%ld ticks, %ld during vfork\n", ticks, (long)during);
  return done();
}
