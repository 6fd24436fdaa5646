/* SIGSYS sent by programs themselves, which a recorder that uses it for its own ends must pass on untouched. */
#include "guest_tasks.h"

#include <sys/syscall.h>

static volatile sig_atomic_t handled;
static volatile siginfo_t last;

static void on_sys(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  last = *info;
  handled++;
}

int main(void) {
  handle(SIGSYS, on_sys, 0);
  for (int i = 0; i < 10; i++)
    CHECK_SYS(kill(getpid(), SIGSYS));
  CHECK(handled == 10 && last.si_code == SI_USER && last.si_pid == getpid());
  CHECK_SYS(sigqueue(getpid(), SIGSYS, (union sigval){.sival_int = 616}));
  CHECK(handled == 11 && last.si_value.sival_int == 616);
  /* Looks like a seccomp trap. */
  siginfo_t forged = {.si_signo = SIGSYS, .si_code = 1};
  CHECK_SYS(syscall(SYS_rt_sigqueueinfo, getpid(), SIGSYS, &forged));
  CHECK(handled == 12 && last.si_code == 1);

  sigset_t set = signal_set(SIGSYS), pending;
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  for (int i = 0; i < 5; i++)
    getppid();
  CHECK_SYS(kill(getpid(), SIGSYS));
  for (int i = 0; i < 5; i++)
    getppid();
  CHECK(handled == 12);
  CHECK_SYS(sigpending(&pending));
  CHECK(sigismember(&pending, SIGSYS));
  siginfo_t info;
  CHECK(sigwaitinfo(&set, &info) == SIGSYS);
  sigset_t now;
  CHECK_SYS(sigprocmask(SIG_UNBLOCK, &set, &now));
  CHECK(sigismember(&now, SIGSYS));
  CHECK(handled == 12);
  printf("%d handled, last code %d pid %d\n", (int)handled, info.si_code, info.si_pid);

  /* Unknown numbers fail instead of trapping. */
  CHECK(raw_syscall(500000, 0, 0, 0, 0, 0, 0) == -ENOSYS);
  CHECK(handled == 12);
  signal(SIGSYS, SIG_IGN);
  CHECK_SYS(kill(getpid(), SIGSYS));
  for (int i = 0; i < 5; i++)
    getppid();
  struct sigaction action;
  CHECK_SYS(sigaction(SIGSYS, NULL, &action));
  CHECK(action.sa_handler == SIG_IGN);
  signal(SIGSYS, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    getppid();
    raise(SIGSYS);
    _exit(1);
  }
  wait_killed(pid, SIGSYS);
  return done();
}
