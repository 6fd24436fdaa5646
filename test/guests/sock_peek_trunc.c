/* MSG_PEEK, MSG_TRUNC, MSG_OOB, SO_PEEK_OFF, SIOCATMARK: reading without taking, and lengths longer than the buffer. */
#include "guest.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void) {
  int pair[2];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  char text[16];
  memset(text, '.', sizeof(text));
  CHECK(send(pair[0], "0123456789", 10, 0) == 10);
  CHECK(recv(pair[1], text, 3, MSG_PEEK) == 3);
  CHECK(recv(pair[1], text + 4, 3, MSG_PEEK | MSG_TRUNC) == 10);
  CHECK(recv(pair[1], NULL, 0, MSG_PEEK | MSG_TRUNC) == 10);
  CHECK(recv(pair[1], text + 8, 2, MSG_TRUNC) == 10);
  CHECK(memcmp(text, "012.012.01......", 16) == 0);
  CHECK_ERRNO(recv(pair[1], text, 1, MSG_DONTWAIT), EAGAIN);

  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  CHECK_SYS(setsockopt(pair[1], SOL_SOCKET, SO_PEEK_OFF, &(int){2}, sizeof(int)));
  CHECK(send(pair[0], "abcdefgh", 8, 0) == 8);
  CHECK(recv(pair[1], text, 3, MSG_PEEK) == 3 && memcmp(text, "cde", 3) == 0);
  CHECK(recv(pair[1], text, 3, MSG_PEEK) == 3 && memcmp(text, "fgh", 3) == 0);
  CHECK(recv(pair[1], text, 16, 0) == 8);

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int server = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_SYS(bind(server, (struct sockaddr *)&address, sizeof(address)));
  CHECK_SYS(listen(server, 1));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(server, (struct sockaddr *)&address, &size));
  CHECK_SYS(connect(client, (struct sockaddr *)&address, sizeof(address)));
  int peer = CHECK_SYS(accept(server, NULL, NULL));

  CHECK(send(client, "before", 6, 0) == 6 && send(client, "!", 1, MSG_OOB) == 1 && send(client, "after", 5, 0) == 5);
  struct pollfd wait = {.fd = peer, .events = POLLPRI};
  CHECK(poll(&wait, 1, -1) == 1 && wait.revents == POLLPRI);
  memset(text, '.', sizeof(text));
  CHECK(recv(peer, text, 16, MSG_WAITALL | MSG_PEEK) >= 0);
  CHECK(recv(peer, text, 1, MSG_OOB) == 1 && text[0] == '!');
  /* A read stops at the mark. */
  CHECK(recv(peer, text, 16, 0) == 6 && memcmp(text, "before", 6) == 0);
  int mark = -1;
  CHECK_SYS(ioctl(peer, SIOCATMARK, &mark));
  CHECK(mark == 1);
  CHECK(recv(peer, text, 5, MSG_WAITALL) == 5 && memcmp(text, "after", 5) == 0);

  /* TCP with MSG_TRUNC throws data away and leaves the buffer alone. */
  CHECK(send(client, "thrown away", 11, 0) == 11);
  memset(text, '.', sizeof(text));
  CHECK(recv(peer, text, 11, MSG_TRUNC | MSG_WAITALL) == 11);
  for (size_t i = 0; i < sizeof(text); i++)
    CHECK(text[i] == '.');
  CHECK(recv(peer, text, 1, MSG_DONTWAIT) == -1);
  int queued = -1;
  CHECK_SYS(ioctl(client, TIOCOUTQ, &queued));
  printf("%d bytes not yet acknowledged\n", queued);
  return done();
}
