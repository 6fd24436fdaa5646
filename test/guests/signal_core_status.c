/* Wait statuses of children that die of each signal, with the core-dump bit where the machine dumps cores. */
#include "guest_tasks.h"

int main(void) {
  /* A core that is written goes into a directory of our own, removed at the end. */
  CHECK_SYS(chdir(tmpdir()));
  struct rlimit limit;
  CHECK_SYS(getrlimit(RLIMIT_CORE, &limit));
  limit.rlim_cur = limit.rlim_max;
  CHECK_SYS(setrlimit(RLIMIT_CORE, &limit));
  static const int with_core[] = {SIGQUIT, SIGABRT, SIGSEGV};
  for (size_t i = 0; i < sizeof(with_core) / sizeof(with_core[0]); i++) {
    int number = with_core[i];
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      if (number == SIGABRT)
        abort();
      CHECK_SYS(kill(getpid(), number));
      _exit(1);
    }
    siginfo_t info;
    CHECK_SYS(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    CHECK(info.si_code == CLD_DUMPED || info.si_code == CLD_KILLED);
    printf("code %s ", info.si_code == CLD_DUMPED ? "CLD_DUMPED" : "CLD_KILLED");
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK((info.si_code == CLD_DUMPED) == !!WCOREDUMP(status));
    printf("%s\n", status_text(status));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number);
  }
  no_core();
  for (int number = 1; number < 65; number++) {
    /* 32 and 33 are libc's own. */
    if (number == 32 || number == 33)
      continue;
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      signal(number, SIG_DFL);
      CHECK_SYS(kill(getpid(), number));
      _exit(200);
    }
    int status;
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    if (WIFSTOPPED(status)) {
      CHECK(number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU);
      CHECK_SYS(kill(pid, SIGKILL));
      CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
    } else if (WIFEXITED(status)) {
      CHECK(number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH ||
            /* An orphaned group isn't stopped by the terminal's signals. */
            number == SIGTSTP || number == SIGTTIN || number == SIGTTOU);
      CHECK(WEXITSTATUS(status) == 200);
    } else {
      CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number && !WCOREDUMP(status));
    }
    MIX(status);
    MIX(pid);
  }
  return done();
}
