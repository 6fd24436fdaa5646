/* Leaving handlers by siglongjmp, with the mask put back or not, and never returning through sigreturn. */
#include "guest_tasks.h"

#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf out;
static volatile int jumps;

static void jumper(int signal) {
  (void)signal;
  jumps++;
  siglongjmp(out, jumps);
}

static int blocked(int signal) {
  sigset_t mask;
  CHECK_SYS(sigprocmask(SIG_BLOCK, NULL, &mask));
  return sigismember(&mask, signal);
}

int main(void) {
  signal(SIGUSR1, jumper);
  for (volatile int i = 1; i <= 500; i++) {
    int value = sigsetjmp(out, 1);
    if (value == 0) {
      raise(SIGUSR1);
      CHECK(0 && "raise came back");
    }
    CHECK(value == i && !blocked(SIGUSR1));
  }

  /* Without the mask the signal stays blocked. */
  jumps = 0;
  if (sigsetjmp(out, 0) == 0)
    raise(SIGUSR1);
  CHECK(jumps == 1 && blocked(SIGUSR1));
  raise(SIGUSR1);
  CHECK(jumps == 1);
  sigset_t set = signal_set(SIGUSR1);
  if (sigsetjmp(out, 1) == 0)
    CHECK_SYS(sigprocmask(SIG_UNBLOCK, &set, NULL));
  CHECK(jumps == 2);

  /* Out of blocking calls. */
  int fds[2];
  CHECK_SYS(pipe(fds));
  signal(SIGALRM, jumper);
  CHECK_SYS(sigprocmask(SIG_UNBLOCK, &set, NULL));
  struct itimerval timer = {.it_value.tv_usec = 2000, .it_interval.tv_usec = 2000}, off = {0};
  for (volatile int i = 0; i < 4; i++) {
    char byte;
    jumps = 0;
    int value = sigsetjmp(out, 1);
    if (value == 0) {
      CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
      if (i % 2)
        pause();
      else
        (void)!read(fds[0], &byte, 1);
      CHECK(0 && "the call came back");
    }
    int64_t now = now_us();
    MIX(now);
  }
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  return done();
}
