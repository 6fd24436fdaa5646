/* Every way to wait for a child: by pid, group and any; wait4, waitid and its siginfo; WNOHANG, WNOWAIT, stops. */
#include "guest_tasks.h"

static void print_info(const char *what, const siginfo_t *info) {
  printf("%s: signo %d code %d pid %d uid %d status %d\n", what, info->si_signo, info->si_code, info->si_pid,
         info->si_uid, info->si_status);
}

static void exits(void) {
  struct gate gate = gate_make();
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    gate_wait(gate);
    _exit(7);
  }
  int status = -5;
  CHECK(waitpid(pid, &status, WNOHANG) == 0);
  siginfo_t info;
  memset(&info, 0xff, sizeof(info));
  CHECK_SYS(waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT));
  CHECK(info.si_pid == 0 && info.si_signo == 0);
  gate_open(gate);
  for (int i = 0; i < 2; i++) {
    memset(&info, 0, sizeof(info));
    CHECK_SYS(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    print_info("left in place", &info);
    CHECK(info.si_signo == SIGCHLD && info.si_code == CLD_EXITED && info.si_status == 7 && info.si_pid == pid);
  }
  struct rusage usage;
  CHECK(wait4(pid, &status, 0, &usage) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  printf("child %d %s: %ld us, %ld faults, %ld+%ld switches\n", pid, status_text(status),
         (long)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec), usage.ru_minflt, usage.ru_nvcsw, usage.ru_nivcsw);
  MIX(usage);
  CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
  CHECK_ERRNO(waitpid(-1, &status, 0x100), EINVAL);
  CHECK_ERRNO(waitid(P_PID, pid, &info, 0), EINVAL);
  CHECK_ERRNO(waitid((idtype_t)77, pid, &info, WEXITED), EINVAL);
  gate_close(gate);
}

/* The syscall has a fifth argument that libc hides. */
static void waitid_usage(void) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(3);
  siginfo_t info;
  struct rusage usage;
  memset(&info, 0, sizeof(info));
  CHECK_SYS(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED, &usage));
  CHECK(info.si_pid == pid && info.si_status == 3);
  print_info("waitid with usage", &info);
  MIX(usage);
}

static void stops(void) {
  struct gate gate = gate_make();
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    raise(SIGSTOP);
    /* A stop takes back that the process was continued: whoever waits for that too late would wait for ever. */
    gate_wait(gate);
    raise(SIGSTOP);
    raise(SIGTERM);
    _exit(1);
  }
  int status;
  CHECK(waitpid(pid, &status, WUNTRACED) == pid);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
  CHECK(waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG) == 0);
  CHECK_SYS(kill(pid, SIGCONT));
  siginfo_t info;
  CHECK_SYS(waitid(P_PID, pid, &info, WCONTINUED));
  print_info("continued", &info);
  CHECK(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
  gate_open(gate);
  CHECK_SYS(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
  CHECK(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  CHECK_SYS(kill(pid, SIGCONT));
  memset(&info, 0, sizeof(info));
  CHECK_SYS(waitid(P_PID, pid, &info, WEXITED));
  print_info("killed", &info);
  CHECK(info.si_code == CLD_KILLED && info.si_status == SIGTERM);
  gate_close(gate);
}

static void groups(void) {
  pid_t own = CHECK_SYS(fork());
  if (own == 0)
    _exit(1);
  pid_t other = CHECK_SYS(fork());
  if (other == 0) {
    setpgid(0, 0);
    _exit(2);
  }
  /* Fails only when the child is through already; it's in its group either way. */
  setpgid(other, other);
  int status;
  CHECK(waitpid(-other, &status, __WALL) == other && WEXITSTATUS(status) == 2);
  CHECK_ERRNO(waitpid(-1, &status, __WCLONE), ECHILD);
  siginfo_t info;
  CHECK_SYS(waitid(P_PGID, 0, &info, WEXITED | WNOWAIT));
  CHECK(waitpid(0, &status, 0) == own && WEXITSTATUS(status) == 1);
  CHECK_ERRNO(wait(NULL), ECHILD);
  printf("groups %d %d\n", own, other);
}

int main(void) {
  exits();
  waitid_usage();
  stops();
  groups();
  return done();
}
