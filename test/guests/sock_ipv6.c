/* IPv6 loopback, stream and datagram, and a dual-stack socket that sees an IPv4 peer as a mapped address. */
#include "guest.h"

#include <arpa/inet.h>
#include <sys/socket.h>

int main(void) {
  int server = socket(AF_INET6, SOCK_STREAM, 0);
  if (server == -1)
    skip("no IPv6");
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, other;
  if (bind(server, (struct sockaddr *)&address, sizeof(address)) == -1) {
    CHECK(errno == EADDRNOTAVAIL);
    skip("no IPv6 loopback address");
  }
  CHECK_SYS(listen(server, 1));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(server, (struct sockaddr *)&address, &size));
  int client = CHECK_SYS(socket(AF_INET6, SOCK_STREAM, 0));
  CHECK_SYS(connect(client, (struct sockaddr *)&address, sizeof(address)));
  memset(&other, 0xee, sizeof(other));
  size = sizeof(other);
  int peer = CHECK_SYS(accept(server, (struct sockaddr *)&other, &size));
  CHECK(size == sizeof(other) && IN6_IS_ADDR_LOOPBACK(&other.sin6_addr));
  MIX(other);
  CHECK(send(client, "over six", 8, 0) == 8);
  char text[64];
  CHECK(recv(peer, text, sizeof(text), 0) == 8 && memcmp(text, "over six", 8) == 0);

  int udp = CHECK_SYS(socket(AF_INET6, SOCK_DGRAM, 0));
  CHECK_SYS(setsockopt(udp, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int)));
  CHECK_SYS(setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &(int){1}, sizeof(int)));
  address = (struct sockaddr_in6){.sin6_family = AF_INET6};
  CHECK_SYS(bind(udp, (struct sockaddr *)&address, sizeof(address)));
  size = sizeof(address);
  CHECK_SYS(getsockname(udp, (struct sockaddr *)&address, &size));
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = address.sin6_port,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int sender = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  CHECK(sendto(sender, "from four", 9, 0, (struct sockaddr *)&four, sizeof(four)) == 9);
  char control[128], name[INET6_ADDRSTRLEN];
  memset(control, 0xee, sizeof(control));
  struct iovec part = {text, sizeof(text)};
  struct msghdr message = {.msg_name = &other, .msg_namelen = sizeof(other), .msg_iov = &part, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof(control)};
  CHECK(recvmsg(udp, &message, 0) == 9 && IN6_IS_ADDR_V4MAPPED(&other.sin6_addr));
  MIX(control);
  MIX(other);
  printf("%s port %d\n", inet_ntop(AF_INET6, &other.sin6_addr, name, sizeof(name)), ntohs(other.sin6_port));
  return done();
}
