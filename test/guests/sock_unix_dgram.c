/* Unix datagrams: senders with and without a name, a full queue, a socket that lost its receiver. */
#include "guest.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int bound(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = CHECK_SYS(socket(AF_UNIX, SOCK_DGRAM, 0));
  CHECK_SYS(bind(fd, (struct sockaddr *)&address, sizeof(address)));
  return fd;
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int a = bound("a"), b = bound("b"), nameless = CHECK_SYS(socket(AF_UNIX, SOCK_DGRAM, 0));
  struct sockaddr_un to_a = {.sun_family = AF_UNIX, .sun_path = "a"}, from;

  CHECK(sendto(b, "from b", 6, 0, (struct sockaddr *)&to_a, sizeof(to_a)) == 6);
  CHECK(sendto(nameless, "", 0, 0, (struct sockaddr *)&to_a, sizeof(to_a)) == 0);
  CHECK(sendto(nameless, "a long one", 10, 0, (struct sockaddr *)&to_a, sizeof(to_a)) == 10);
  char text[16];
  memset(&from, 0xee, sizeof(from));
  socklen_t size = sizeof(from);
  CHECK(recvfrom(a, text, sizeof(text), 0, (struct sockaddr *)&from, &size) == 6);
  CHECK(strcmp(from.sun_path, "b") == 0 && size == offsetof(struct sockaddr_un, sun_path) + 2);
  MIX(from);
  size = sizeof(from);
  CHECK(recvfrom(a, text, sizeof(text), 0, (struct sockaddr *)&from, &size) == 0 && size == 0);
  memset(text, '.', sizeof(text));
  CHECK(recv(a, text, 6, MSG_TRUNC) == 10 && text[6] == '.');
  mix(text, sizeof(text));

  CHECK_SYS(connect(b, (struct sockaddr *)&to_a, sizeof(to_a)));
  int sent = 0;
  while (send(b, &sent, sizeof(sent), MSG_DONTWAIT) != -1)
    sent++;
  CHECK(errno == EAGAIN && sent > 0);
  printf("%d datagrams fit\n", sent);
  for (int i = 0, number; i < sent; i++)
    CHECK(read(a, &number, sizeof(number)) == sizeof(number) && number == i);

  int max;
  size = sizeof(max);
  CHECK_SYS(getsockopt(b, SOL_SOCKET, SO_SNDBUF, &max, &size));
  char *huge = calloc(1, (size_t)max + 1);
  CHECK_ERRNO(send(b, huge, (size_t)max + 1, 0), EMSGSIZE);
  free(huge);
  CHECK_SYS(close(a));
  CHECK_ERRNO(send(b, "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
  CHECK_ERRNO(send(b, "x", 1, MSG_NOSIGNAL), ENOTCONN);
  CHECK_ERRNO(send(nameless, "x", 1, 0), ENOTCONN);
  return done();
}
