/*
 * Signals that hit computing code: every millisecond, with siginfo, on an alternate stack, nested, left by siglongjmp,
 * and by a profiling timer.
 */
#include "guest_tasks.h"

#include <setjmp.h>
#include <sys/time.h>
#include <time.h>

enum { TICKS = 40 };

static volatile sig_atomic_t ticks, nested, depth;
static volatile uint64_t progress;
static uint64_t at_tick[TICKS];
static uintptr_t rips[TICKS];
static sigjmp_buf escape;
static char alternate[65536];

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)signal;
  ucontext_t *uc = context;
  CHECK(info->si_code == SI_KERNEL || info->si_code == SI_TIMER);
  if (ticks < TICKS) {
    at_tick[ticks] = progress;
    rips[ticks] = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
  }
  ticks++;
  depth++;
  if (depth > nested)
    nested = depth;
  for (volatile int i = 0; i < 50000 && depth == 1; i++)
    ;
  depth--;
}

static void on_escape(int signal) {
  (void)signal;
  ticks++;
  siglongjmp(escape, 1);
}

static void every_millisecond(int which) {
  struct itimerval timer = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000};
  CHECK_SYS(setitimer((__itimer_which_t)which, &timer, NULL));
}

static void stop(int which) {
  struct itimerval off = {0};
  CHECK_SYS(setitimer((__itimer_which_t)which, &off, NULL));
}

static void run(const char *name, int which, int signal, int flags) {
  struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | flags};
  CHECK_SYS(sigaction(signal, &action, NULL));
  ticks = 0;
  progress = 0;
  every_millisecond(which);
  while (ticks < TICKS)
    progress++;
  stop(which);
  mix(at_tick, sizeof(at_tick));
  mix(rips, sizeof(rips));
  printf("%s: %llu\n", name, (unsigned long long)progress);
}

int main(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
  CHECK_SYS(sigaltstack(&stack, NULL));
  run("plain", ITIMER_REAL, SIGALRM, 0);
  run("alternate stack", ITIMER_REAL, SIGALRM, SA_ONSTACK);
  run("nested", ITIMER_REAL, SIGALRM, SA_NODEFER);
  printf("depth %d\n", (int)nested);
  run("profiling", ITIMER_PROF, SIGPROF, SA_RESTART);

  signal(SIGALRM, on_escape);
  ticks = 0;
  /* A signal before that would jump to nowhere, or leave itself blocked. */
  if (sigsetjmp(escape, 1) == 0)
    every_millisecond(ITIMER_REAL);
  while (ticks < TICKS)
    progress++;
  stop(ITIMER_REAL);
  uint64_t last = progress;
  MIX(last);
  return done();
}
