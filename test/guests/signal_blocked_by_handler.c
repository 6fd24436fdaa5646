/* Signals that come while the program computes, several before its next call, with handlers that block one another. */
#include "guest_tasks.h"

#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t alarms, users, inside;
static volatile unsigned long sink;

static void on_alarm(int signal) {
  (void)signal;
  CHECK(inside == 0);
  inside = 1;
  alarms++;
  getppid();
  inside = 0;
}

static void on_user(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  CHECK(inside == 0 && info->si_code == SI_TIMER && info->si_value.sival_int == 77);
  inside = 1;
  users++;
  getppid();
  inside = 0;
}

/* Much longer than the timers' intervals. */
static void compute(void) {
  for (long i = 0; i < 20000000; i++)
    sink += i;
}

int main(void) {
  struct sigaction alarm_action = {.sa_handler = on_alarm};
  struct sigaction user_action = {.sa_sigaction = on_user, .sa_flags = SA_SIGINFO};
  sigaddset(&alarm_action.sa_mask, SIGUSR1);
  sigaddset(&user_action.sa_mask, SIGALRM);
  CHECK_SYS(sigaction(SIGALRM, &alarm_action, NULL));
  CHECK_SYS(sigaction(SIGUSR1, &user_action, NULL));

  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
  timer_t timer;
  CHECK_SYS(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec often = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000}, never = {0};
  struct itimerval real = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000}, off = {0};
  CHECK_SYS(timer_settime(timer, 0, &often, NULL));
  CHECK_SYS(setitimer(ITIMER_REAL, &real, NULL));
  for (int i = 0; i < 5; i++) {
    compute();
    getppid();
    printf("%d alarms, %d others\n", alarms, users);
  }
  CHECK(alarms > 0 && users > 0);

  /* What is pending when it is blocked for good is found by those who wait for it. */
  sigset_t both, pending;
  sigemptyset(&both);
  sigaddset(&both, SIGALRM);
  sigaddset(&both, SIGUSR1);
  compute();
  CHECK_SYS(sigprocmask(SIG_BLOCK, &both, NULL));
  compute();
  CHECK_SYS(sigpending(&pending));
  CHECK(sigismember(&pending, SIGALRM) == 1 && sigismember(&pending, SIGUSR1) == 1);
  for (int seen = 0; seen != 3;)
    seen |= CHECK_SYS(sigwaitinfo(&both, NULL)) == SIGALRM ? 1 : 2;
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  CHECK_SYS(timer_settime(timer, 0, &never, NULL));
  return done();
}
