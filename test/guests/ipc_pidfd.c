/* pidfd_open, poll on it, pidfd_send_signal, waitid(P_PIDFD), pidfd_getfd. */
#include "guest.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int main(void) {
  int ready[2];
  CHECK_SYS(pipe(ready));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(dup2(ready[0], 77) == 77);
    CHECK(write(ready[1], "!", 1) == 1);
    for (;;)
      pause();
  }
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  if (pidfd == -1) {
    CHECK(errno == ENOSYS || errno == EPERM);
    CHECK_SYS(kill(child, SIGKILL));
    CHECK(waitpid(child, NULL, 0) == child);
    skip("no pidfd_open");
  }
  CHECK(fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
  CHECK(read(ready[0], (char[1]){0}, 1) == 1);

  char path[64], text[512] = "";
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
  int info = CHECK_SYS(open(path, O_RDONLY));
  ssize_t size = CHECK_SYS(read(info, text, sizeof(text) - 1));
  mix(text, (size_t)size);
  CHECK(strstr(text, "Pid:") != NULL);

  struct pollfd wait = {.fd = pidfd, .events = POLLIN};
  CHECK(poll(&wait, 1, 0) == 0);
  CHECK_SYS(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
  long copy = syscall(SYS_pidfd_getfd, pidfd, 77, 0);
  printf("pidfd_getfd: %ld errno %d\n", copy, copy == -1 ? errno : 0);
  if (copy != -1)
    CHECK(write(ready[1], "x", 1) == 1 && read((int)copy, text, 1) == 1 && text[0] == 'x');

  CHECK_SYS(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
  CHECK(poll(&wait, 1, -1) == 1 && (wait.revents & POLLIN));
  siginfo_t ended;
  memset(&ended, 0, sizeof(ended));
  CHECK_SYS(waitid(P_PIDFD, (id_t)pidfd, &ended, WEXITED));
  CHECK(ended.si_pid == child && ended.si_code == CLD_KILLED && ended.si_status == SIGTERM);
  MIX(ended);
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
  CHECK_ERRNO(waitid(P_PIDFD, (id_t)pidfd, &ended, WEXITED), ECHILD);
  CHECK_ERRNO(syscall(SYS_pidfd_open, -1, 0), EINVAL);

  int self = (int)CHECK_SYS(syscall(SYS_pidfd_open, getpid(), 0));
  CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
  CHECK_SYS(syscall(SYS_pidfd_send_signal, self, SIGUSR1, NULL, 0));
  return done();
}
