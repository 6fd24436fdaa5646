/* signalfd waited for with poll: a blocked signal of the program's own child, a queued value, several at once. */
#include "guest.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGRTMIN + 2);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  int fd = CHECK_SYS(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  struct signalfd_siginfo info[4];
  CHECK_ERRNO(read(fd, info, sizeof(info)), EAGAIN);
  CHECK_ERRNO(read(fd, info, 16), EINVAL);

  CHECK_SYS(kill(getpid(), SIGUSR1));
  CHECK_SYS(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 11}));
  CHECK_SYS(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 12}));
  memset(info, 0xee, sizeof(info));
  CHECK(read(fd, info, sizeof(info)) == 3 * (ssize_t)sizeof(info[0]));
  CHECK(info[0].ssi_signo == SIGUSR1 && (pid_t)info[0].ssi_pid == getpid());
  CHECK(info[1].ssi_int == 11 && info[2].ssi_int == 12 && info[1].ssi_code == SI_QUEUE);
  MIX(info);

  pid_t child = CHECK_SYS(fork());
  if (child == 0)
    _exit(7);
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  CHECK(poll(&wait, 1, -1) == 1 && wait.revents == POLLIN);
  CHECK(read(fd, info, sizeof(info)) == (ssize_t)sizeof(info[0]));
  CHECK(info[0].ssi_signo == SIGCHLD && (pid_t)info[0].ssi_pid == child && info[0].ssi_status == 7);
  printf("child %d ended, uid %u, user time %llu\n", child, info[0].ssi_uid, (unsigned long long)info[0].ssi_utime);
  int status;
  CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);

  /* Another mask for the same descriptor. */
  sigdelset(&set, SIGUSR1);
  CHECK(signalfd(fd, &set, 0) == fd);
  CHECK_SYS(raise(SIGUSR1));
  CHECK_ERRNO(read(fd, info, sizeof(info)), EAGAIN);
  CHECK(sigwaitinfo(&(sigset_t){{1ul << (SIGUSR1 - 1)}}, NULL) == SIGUSR1);
  return done();
}
