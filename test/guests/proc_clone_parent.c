/* CLONE_PARENT makes siblings instead of children; a clone may also announce its end by another signal, or by none. */
#include "guest_tasks.h"

static volatile sig_atomic_t usr1_seen;
static volatile siginfo_t usr1_info;

static void on_usr1(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  usr1_info = *info;
  usr1_seen = 1;
}

static void sibling(void) {
  int fds[2];
  CHECK_SYS(pipe(fds));
  pid_t root = getpid();
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    pid_t pid = raw_syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0, 0);
    if (pid == 0)
      _exit(getppid() == root ? 31 : 32);
    CHECK(pid > 0);
    CHECK(write(fds[1], &pid, sizeof(pid)) == sizeof(pid));
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
    _exit(0);
  }
  pid_t pid;
  CHECK(read(fds[0], &pid, sizeof(pid)) == sizeof(pid));
  wait_exit(pid, 31);
  wait_exit(child, 0);
  printf("child %d, its sibling %d\n", child, pid);
}

static void exit_signal(int signal) {
  usr1_seen = 0;
  pid_t pid = CHECK_SYS(raw_syscall(SYS_clone, signal, 0, 0, 0, 0, 0));
  if (pid == 0)
    _exit(17);
  siginfo_t info;
  /* Invisible to a plain wait. */
  CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
  memset(&info, 0, sizeof(info));
  CHECK_SYS(waitid(P_PID, pid, &info, WEXITED | WNOWAIT | __WCLONE));
  printf("exit signal %d: waitid says signo %d code %d status %d\n", signal, info.si_signo, info.si_code,
         info.si_status);
  int status;
  CHECK(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 17);
  CHECK(usr1_seen == (signal == SIGUSR1));
  if (signal == SIGUSR1) {
    CHECK(usr1_info.si_signo == SIGUSR1 && usr1_info.si_pid == pid && usr1_info.si_status == 17);
    printf("SIGUSR1 code %d pid %d utime %ld\n", usr1_info.si_code, usr1_info.si_pid, usr1_info.si_utime);
  }
}

int main(void) {
  handle(SIGUSR1, on_usr1, SA_RESTART);
  sibling();
  exit_signal(SIGUSR1);
  exit_signal(0);
  return done();
}
