/* Between its end and its parent's wait a process still has a pid, a group and a state. */
#include "guest_tasks.h"

enum { ZOMBIES = 10 };

int main(void) {
  pid_t pids[ZOMBIES];
  for (int i = 0; i < ZOMBIES; i++) {
    pids[i] = CHECK_SYS(fork());
    if (pids[i] == 0) {
      if (i % 2)
        raise(SIGKILL);
      _exit(i);
    }
  }
  for (int i = 0; i < ZOMBIES; i++) {
    siginfo_t info;
    CHECK_SYS(waitid(P_PID, pids[i], &info, WEXITED | WNOWAIT));
    CHECK(info.si_code == (i % 2 ? CLD_KILLED : CLD_EXITED));
    printf("%d: state %c, group %d, session %d\n", pids[i], task_state(pids[i]), getpgid(pids[i]), getsid(pids[i]));
    CHECK(task_state(pids[i]) == 'Z');
    CHECK(getpgid(pids[i]) == getpgrp());
    CHECK_SYS(kill(pids[i], 0));
    CHECK_SYS(kill(pids[i], SIGKILL));

    char path[64], text[16];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pids[i]);
    int fd = CHECK_SYS(open(path, O_RDONLY));
    CHECK(read(fd, text, sizeof(text)) == 0);
    close(fd);
  }
  for (int i = ZOMBIES - 1; i >= 0; i--) {
    int status;
    CHECK(waitpid(pids[i], &status, 0) == pids[i]);
    CHECK(i % 2 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == i);
    CHECK_ERRNO(kill(pids[i], 0), ESRCH);
    CHECK(task_state(pids[i]) == 0);
  }
  return done();
}
