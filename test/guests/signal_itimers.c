/* Interval timers by wall clock, user time and CPU time, ticking through a loop of work and syscalls. */
#include "guest_tasks.h"

#include <sys/time.h>

enum { TICKS = 5 };

static volatile sig_atomic_t ticks;
static volatile long iterations, at_tick[TICKS];
static volatile unsigned long sink;

static void on_tick(int signal) {
  (void)signal;
  if (ticks < TICKS)
    at_tick[ticks] = iterations;
  ticks++;
}

static void run(const char *name, int which, int signal_number) {
  struct itimerval timer = {.it_value.tv_usec = 2000, .it_interval.tv_usec = 1000}, left, off = {0};
  signal(signal_number, on_tick);
  ticks = 0;
  iterations = 0;
  CHECK_SYS(setitimer(which, &timer, NULL));
  CHECK_SYS(getitimer(which, &left));
  CHECK(left.it_interval.tv_usec >= 1000 && left.it_value.tv_sec == 0);
  printf("%s: first in %ld us", name, (long)left.it_value.tv_usec);
  while (ticks < TICKS) {
    for (int i = 0; i < 20000; i++)
      sink += i * iterations;
    iterations++;
    getppid();
  }
  CHECK_SYS(setitimer(which, &off, NULL));
  printf(", ticks at");
  for (int i = 0; i < TICKS; i++)
    printf(" %ld", at_tick[i]);
  printf("\n");
}

int main(void) {
  run("real", ITIMER_REAL, SIGALRM);
  run("virtual", ITIMER_VIRTUAL, SIGVTALRM);
  run("profiling", ITIMER_PROF, SIGPROF);

  struct itimerval bad = {.it_value.tv_usec = 1000000};
  CHECK_ERRNO(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
  CHECK_ERRNO(getitimer((__itimer_which_t)7, &bad), EINVAL);

  /* The default action of all three is the end. */
  static const int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
  for (int i = 0; i < 3; i++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      struct itimerval soon = {.it_value.tv_usec = 1000};
      signal(signals[i], SIG_DFL);
      CHECK_SYS(setitimer((__itimer_which_t)i, &soon, NULL));
      for (;;) {
        for (int j = 0; j < 20000; j++)
          sink += j;
        getppid();
      }
    }
    wait_killed(pid, signals[i]);
  }
  return done();
}
