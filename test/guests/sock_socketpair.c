/* socketpair of every type; shutdown halves; MSG_WAITALL that waits for a child's pieces. */
#include "guest.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

int main(void) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (int i = 0; i < 3; i++) {
    int pair[2];
    CHECK_SYS(socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair));
    CHECK(write(pair[0], "ab", 2) == 2 && write(pair[0], "cd", 2) == 2);
    char text[8];
    ssize_t size = CHECK_SYS(read(pair[1], text, sizeof(text)));
    CHECK(size == (types[i] == SOCK_STREAM ? 4 : 2));
    printf("type %d: %d %d, read %zd\n", types[i], pair[0], pair[1], size);
    CHECK_SYS(close(pair[0]));
    CHECK_SYS(close(pair[1]));
  }
  CHECK_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0}), EOPNOTSUPP);
  CHECK_ERRNO(socketpair(AF_UNIX, 77, 0, (int[2]){0}), EINVAL);

  int pair[2];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    for (int i = 0; i < 10; i++) {
      pid_t self = getpid();
      CHECK(write(pair[1], &self, sizeof(self)) == sizeof(self));
    }
    CHECK_SYS(shutdown(pair[1], SHUT_WR));
    CHECK(read(pair[1], (char[1]){0}, 1) == 1);
    _exit(0);
  }
  CHECK_SYS(close(pair[1]));
  pid_t pids[16];
  memset(pids, 0xee, sizeof(pids));
  CHECK(recv(pair[0], pids, 6 * sizeof(pid_t), MSG_WAITALL) == 6 * sizeof(pid_t));
  CHECK(recv(pair[0], pids + 6, 10 * sizeof(pid_t), MSG_WAITALL) == 4 * sizeof(pid_t));
  MIX(pids);
  for (int i = 0; i < 10; i++)
    CHECK(pids[i] == child);
  struct pollfd wait = {.fd = pair[0], .events = POLLIN | POLLRDHUP};
  CHECK(poll(&wait, 1, -1) == 1 && (wait.revents & POLLRDHUP));
  CHECK(write(pair[0], "x", 1) == 1);
  wait_ok(child);
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  CHECK_ERRNO(write(pair[0], "x", 1), EPIPE);
  CHECK_ERRNO(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  return done();
}
