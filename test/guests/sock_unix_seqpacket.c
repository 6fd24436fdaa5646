/* Unix sequenced packets: kept apart, cut with MSG_TRUNC set in the answer, end of file as an empty packet. */
#include "guest.h"

#include <sys/socket.h>
#include <sys/un.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "seq"};
  int server = CHECK_SYS(socket(AF_UNIX, SOCK_SEQPACKET, 0));
  CHECK_SYS(bind(server, (struct sockaddr *)&path, sizeof(path)));
  CHECK_SYS(listen(server, 1));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    int client = CHECK_SYS(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    CHECK_SYS(connect(client, (struct sockaddr *)&path, sizeof(path)));
    for (int i = 0; i < 10; i++) {
      char text[64];
      int size = snprintf(text, sizeof(text), "packet %d from %d", i, getpid());
      CHECK(send(client, text, (size_t)size, 0) == size);
    }
    _exit(0);
  }
  int peer = CHECK_SYS(accept4(server, NULL, NULL, SOCK_CLOEXEC));
  char text[64];
  for (int i = 0; i < 10; i++) {
    memset(text, '.', sizeof(text));
    struct iovec parts[] = {{text, 3}, {text + 8, i % 2 ? 2 : 40}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_flags = -1};
    ssize_t size = CHECK_SYS(recvmsg(peer, &message, 0));
    CHECK((message.msg_flags & MSG_TRUNC) == (i % 2 ? MSG_TRUNC : 0) && memcmp(text, "pac.....ke", 10) == 0);
    printf("%zd flags %#x %.48s\n", size, message.msg_flags, text);
  }
  CHECK(recv(peer, text, sizeof(text), 0) == 0);
  wait_ok(child);
  return done();
}
