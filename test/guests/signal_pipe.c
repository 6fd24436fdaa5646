/* SIGPIPE: from pipes and sockets, by default the end, ignored an error, suppressed by a flag. */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static volatile sig_atomic_t pipes;
static volatile siginfo_t last;

static void on_pipe(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  last = *info;
  pipes++;
}

int main(void) {
  int fds[2], sockets[2];
  CHECK_SYS(pipe(fds));
  close(fds[0]);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    (void)!write(fds[1], "x", 1);
    _exit(0);
  }
  wait_killed(pid, SIGPIPE);

  handle(SIGPIPE, on_pipe, 0);
  CHECK_ERRNO(write(fds[1], "x", 1), EPIPE);
  CHECK(pipes == 1);
  CHECK(last.si_signo == SIGPIPE && last.si_pid == getpid());
  printf("SIGPIPE code %d pid %d\n", last.si_code, last.si_pid);
  struct iovec vector = {"xyz", 3};
  CHECK_ERRNO(writev(fds[1], &vector, 1), EPIPE);
  CHECK(pipes == 2);

  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
  close(sockets[0]);
  CHECK_ERRNO(send(sockets[1], "x", 1, 0), EPIPE);
  CHECK(pipes == 3);
  CHECK_ERRNO(send(sockets[1], "x", 1, MSG_NOSIGNAL), EPIPE);
  CHECK(pipes == 3);
  int file = CHECK_SYS(open(self_path(), O_RDONLY));
  CHECK_ERRNO(sendfile(fds[1], file, NULL, 10), EPIPE);
  CHECK(pipes == 4);
  CHECK_ERRNO(splice(file, NULL, fds[1], NULL, 10, 0), EPIPE);
  CHECK(pipes == 5);

  signal(SIGPIPE, SIG_IGN);
  CHECK_ERRNO(write(fds[1], "x", 1), EPIPE);
  CHECK(pipes == 5);

  /* A writer that sleeps in a full pipe when its reader goes away. */
  CHECK_SYS(pipe(fds));
  handle(SIGPIPE, on_pipe, 0);
  pid = CHECK_SYS(fork());
  if (pid == 0) {
    close(fds[1]);
    /* Its write has begun: without a reader before that, it would write nothing at all. */
    struct pollfd begun = {.fd = fds[0], .events = POLLIN};
    CHECK(poll(&begun, 1, -1) == 1);
    wait_blocked(getppid());
    _exit(0);
  }
  close(fds[0]);
  static char bytes[1 << 18];
  ssize_t written = write(fds[1], bytes, sizeof(bytes));
  printf("wrote %zd, %d signals\n", written, (int)pipes);
  CHECK(written > 0 && written < (ssize_t)sizeof(bytes));
  wait_exit(pid, 0);
  /* The shell's way of ending a pipeline early. */
  int status = system("yes | head -3 >/dev/null");
  CHECK(status == 0);
  return done();
}
