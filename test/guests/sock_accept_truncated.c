/* Value-result lengths: accept4, getsockname and recvfrom with room for part of an address tell the full size. */
#include "guest.h"

#include <arpa/inet.h>
#include <sys/socket.h>

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int server = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_SYS(bind(server, (struct sockaddr *)&address, sizeof(address)));
  CHECK_SYS(listen(server, 16));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(server, (struct sockaddr *)&address, &size));

  static const socklen_t rooms[] = {0, 1, 4, 7, 15, 16, 17, 64};
  for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
    int client = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
    CHECK_SYS(connect(client, (struct sockaddr *)&address, sizeof(address)));
    unsigned char name[64];
    memset(name, 0xee, sizeof(name));
    size = rooms[i];
    int peer = CHECK_SYS(accept4(server, (struct sockaddr *)name, &size, i % 2 ? SOCK_NONBLOCK : SOCK_CLOEXEC));
    CHECK(size == sizeof(address));
    for (size_t at = rooms[i] < sizeof(address) ? rooms[i] : sizeof(address); at < sizeof(name); at++)
      CHECK(name[at] == 0xee);
    CHECK(((fcntl(peer, F_GETFL) & O_NONBLOCK) != 0) == (i % 2 == 1));
    CHECK(fcntl(peer, F_GETFD) == (i % 2 ? 0 : FD_CLOEXEC));
    MIX(name);

    size = rooms[i];
    CHECK_SYS(getpeername(peer, (struct sockaddr *)name, &size));
    CHECK(size == sizeof(address));
    MIX(name);
    printf("room %u: fd %d size %u\n", rooms[i], peer, size);
    CHECK_SYS(close(client));
    CHECK_SYS(close(peer));
  }
  size = (socklen_t)-1;
  CHECK_ERRNO(getsockname(server, (struct sockaddr *)&address, &size), EINVAL);
  CHECK_ERRNO(accept4(server, NULL, NULL, 0x40000000), EINVAL);
  CHECK_SYS(fcntl(server, F_SETFL, O_NONBLOCK));
  CHECK_ERRNO(accept(server, NULL, NULL), EAGAIN);
  return done();
}
