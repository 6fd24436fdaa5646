/* clone3 and pidfds: poll, waitid(P_PIDFD), signals through the descriptor, fdinfo, copying a descriptor out. */
#include "guest_tasks.h"

#include <linux/sched.h>
#include <poll.h>
#include <sys/pidfd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

static pid_t clone3_fork(uint64_t flags, int *pidfd) {
  struct clone_args args = {.flags = flags, .pidfd = (uintptr_t)pidfd, .exit_signal = SIGCHLD};
  return raw_syscall(SYS_clone3, (long)&args, sizeof(args), 0, 0, 0, 0);
}

static int readable(int pidfd) {
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
  return CHECK_SYS(poll(&poll_fd, 1, 0));
}

static void print_fdinfo(int pidfd, pid_t pid) {
  char path[64], line[128];
  int found = 0;
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  while (fgets(line, sizeof(line), file))
    if (strncmp(line, "Pid:", 4) == 0)
      found = atoi(line + 4);
  fclose(file);
  CHECK(found == pid);
  printf("fdinfo names %d\n", found);
}

static void noop(int signal) { (void)signal; }

int main(void) {
  int pidfd = -1;
  struct gate gate = gate_make();
  pid_t pid = clone3_fork(CLONE_PIDFD, &pidfd);
  if (pid == -ENOSYS)
    skip("no clone3");
  CHECK(pid >= 0);
  if (pid == 0) {
    gate_wait(gate);
    _exit(44);
  }
  CHECK(pidfd >= 0);
  CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
  CHECK(readable(pidfd) == 0);
  CHECK_SYS(pidfd_send_signal(pidfd, 0, NULL, 0));
  print_fdinfo(pidfd, pid);

  int copy = pidfd_getfd(pidfd, gate.ends[1], 0);
  if (copy >= 0) {
    /* Another number for the same pipe. */
    CHECK(write(copy, "", 1) == 1);
    close(copy);
  } else {
    printf("pidfd_getfd: %s\n", strerror(errno));
    gate_open(gate);
  }
  siginfo_t info;
  CHECK_SYS(waitid(P_PIDFD, pidfd, &info, WEXITED | WNOWAIT));
  CHECK(info.si_pid == pid && info.si_status == 44);
  CHECK(readable(pidfd) == 1);
  CHECK_SYS(waitid(P_PIDFD, pidfd, &info, WEXITED));
  CHECK_ERRNO(pidfd_send_signal(pidfd, SIGTERM, NULL, 0), ESRCH);
  printf("child %d through descriptor %d\n", pid, pidfd);
  close(pidfd);

  pid_t own = getpid();
  pid = CHECK_SYS(fork());
  if (pid == 0) {
    die_with_parent(own);
    for (;;)
      pause();
  }
  pidfd = CHECK_SYS(pidfd_open(pid, 0));
  siginfo_t queued = {.si_signo = SIGTERM, .si_code = SI_QUEUE};
  queued.si_value.sival_int = 5;
  CHECK_SYS(pidfd_send_signal(pidfd, SIGTERM, &queued, 0));
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
  CHECK(TEMP_FAILURE_RETRY(poll(&poll_fd, 1, -1)) == 1);
  wait_killed(pid, SIGTERM);
  close(pidfd);

  signal(SIGUSR1, noop);
  pid = clone3_fork(CLONE_CLEAR_SIGHAND, NULL);
  if (pid == 0) {
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    _exit(action.sa_handler == SIG_DFL ? 45 : 46);
  }
  CHECK(pid > 0);
  wait_exit(pid, 45);

  struct clone_args bad = {.flags = CLONE_DETACHED, .exit_signal = SIGCHLD};
  CHECK(raw_syscall(SYS_clone3, (long)&bad, sizeof(bad), 0, 0, 0, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_clone3, (long)&bad, 8, 0, 0, 0, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_clone3, 8, sizeof(bad), 0, 0, 0, 0) == -EFAULT);
  CHECK_ERRNO(pidfd_open(pid, 0), ESRCH);
  CHECK_ERRNO(pidfd_open(-1, 0), EINVAL);
  return done();
}
