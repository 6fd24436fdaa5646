/* alarm and pause: a second until SIGALRM, alarms replaced and cancelled, a default action that kills. */
#include "guest_tasks.h"

#include <sys/time.h>

static volatile sig_atomic_t alarms;
static volatile int again;

static void on_alarm(int signal) {
  (void)signal;
  alarms++;
  /* A machine that is late comes to its pause() when the first one is over. */
  if (again)
    alarm(1);
}

int main(void) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    ualarm(3000, 0);
    for (;;)
      pause();
  }
  wait_killed(pid, SIGALRM);

  signal(SIGALRM, on_alarm);
  CHECK(alarm(100) == 0);
  int64_t start = now_us();
  again = 1;
  unsigned left = alarm(1);
  CHECK(left <= 100 && left > 0);
  CHECK_ERRNO(pause(), EINTR);
  again = 0;
  int64_t slept = now_us() - start;
  printf("slept %ld us\n", (long)slept);
  CHECK(alarms >= 1 && slept > 500000);
  CHECK(alarm(0) <= 1);
  alarms = 1;

  /* One timer serves alarm, ualarm and setitimer. */
  alarm(50);
  struct itimerval timer;
  CHECK_SYS(getitimer(ITIMER_REAL, &timer));
  CHECK(timer.it_value.tv_sec > 0 && timer.it_interval.tv_sec == 0);
  printf("%ld.%06ld s left\n", (long)timer.it_value.tv_sec, (long)timer.it_value.tv_usec);
  ualarm(2000, 2000);
  while (alarms < 4)
    sched_yield();
  ualarm(0, 0);

  /* A child inherits no alarm. */
  alarm(100);
  pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(alarm(0) == 0 ? 0 : 1);
  wait_exit(pid, 0);
  CHECK(alarm(0) > 0);
  return done();
}
