/* Handlers inside handlers, three kinds and fifty levels deep, each on the frame of the one before. */
#include "guest_tasks.h"

#include <ucontext.h>

static char trace[512];
static volatile size_t traced;
static volatile int level;
static void *frames[64];

static void enter(char what, ucontext_t *context) {
  trace[traced++] = what;
  MIX(context->uc_mcontext.gregs);
}

static void on_alrm(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  enter('a', context);
  getppid();
  trace[traced++] = 'A';
}

static void on_usr2(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  enter('2', context);
  raise(SIGALRM);
  trace[traced++] = '-';
  raise(SIGALRM);
  trace[traced++] = '@';
}

static void on_usr1(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  enter('1', context);
  /* Held back until this one returns, because it's blocked meanwhile. */
  raise(SIGUSR1);
  raise(SIGUSR2);
  trace[traced++] = '!';
}

static void on_deep(int signal, siginfo_t *info, void *context) {
  (void)info;
  int own = level++;
  frames[own] = context;
  if (own < 49)
    CHECK_SYS(kill(getpid(), signal));
  CHECK(level == 50);
  CHECK(own == 0 || frames[own] < frames[own - 1]);
}

static volatile int raised_again;

static void on_usr1_once(int signal, siginfo_t *info, void *context) {
  if (raised_again++)
    enter('0', context);
  else
    on_usr1(signal, info, context);
}

int main(void) {
  handle(SIGUSR1, on_usr1_once, 0);
  handle(SIGUSR2, on_usr2, 0);
  handle(SIGALRM, on_alrm, 0);
  raise(SIGUSR1);
  printf("trace %s\n", trace);
  CHECK(strcmp(trace, "12aA-aA@!0") == 0);

  handle(SIGHUP, on_deep, SA_NODEFER);
  CHECK_SYS(kill(getpid(), SIGHUP));
  CHECK(level == 50);
  printf("frames from %p to %p\n", frames[0], frames[49]);
  mix(frames, sizeof(frames));
  return done();
}
