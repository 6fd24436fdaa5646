/*
 * Timers so fast that in a recording a handler takes longer than their interval: whenever one returns, the next signal is
 * there. The program must get on all the same, in calls as in code without any.
 */
#include "guest_tasks.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

enum { ROUNDS = 20, CALLS = 4 };

static volatile sig_atomic_t ticks, others;
static volatile unsigned long sink;

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)context;
  CHECK(info->si_signo == signal && (info->si_code == SI_KERNEL || info->si_code == SI_TIMER));
  if (signal == SIGALRM)
    ticks++;
  else
    others++;
  for (int i = 0; i < CALLS; i++)
    getppid();
}

static void start(int us) {
  struct itimerval timer = {.it_value.tv_usec = us, .it_interval.tv_usec = us};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
}

static void report(const char *name) {
  printf("%s: %d, %d\n", name, (int)ticks, (int)others);
  ticks = others = 0;
}

static void calls(void) {
  for (int i = 0; i < ROUNDS; i++)
    getppid();
}

/* Calls that change what a waiting signal does. */
static void masks(void) {
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  for (int i = 0; i < ROUNDS / 2; i++) {
    CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
    CHECK_SYS(sigpending(&pending));
    int before = ticks;
    CHECK_SYS(getppid());
    CHECK(ticks == before);
    CHECK_SYS(sigprocmask(SIG_UNBLOCK, &set, NULL));
  }
  signal(SIGALRM, SIG_IGN);
  int before = ticks;
  CHECK_SYS(getppid());
  CHECK(ticks == before);
}

/* Calls that wait, and calls that the kernel does not begin while a signal is pending. */
static void children(void) {
  int fds[2], status;
  CHECK_SYS(pipe(fds));
  for (int i = 0; i < ROUNDS / 5; i++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      CHECK(write(fds[1], "x", 1) == 1);
      _exit(i);
    }
    char byte = 0;
    CHECK(read(fds[0], &byte, 1) == 1 && byte == 'x');
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == i);
  }
  close(fds[0]);
  close(fds[1]);
}

static void compute(void) {
  for (unsigned long i = 0; i < 3000000; i++)
    sink += i * ticks;
}

static void run(const char *name, void (*work)(void)) {
  struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  start(200);
  work();
  start(0);
  report(name);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART};
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  run("calls", calls);
  run("masks", masks);
  run("children", children);
  run("compute", compute);

  /* Two of them: each waits where the other's handler returns. */
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  struct itimerspec spec = {.it_value.tv_nsec = 200000, .it_interval.tv_nsec = 200000};
  timer_t timer;
  CHECK_SYS(timer_create(CLOCK_MONOTONIC, &event, &timer));
  CHECK_SYS(timer_settime(timer, 0, &spec, NULL));
  run("two timers", calls);
  run("two timers, compute", compute);
  CHECK_SYS(timer_delete(timer));
  return done();
}
