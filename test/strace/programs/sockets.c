/* Sockets of all families that need no network, with their options and addresses. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static const int on = 1;

int main(void) {
  struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "socket"};
  struct sockaddr_in six = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000001)};
  struct sockaddr_in6 long_address = {
      .sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  char buffer[64];
  int value;
  socklen_t size = sizeof value;
  int pair[2];

  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bind(server, (struct sockaddr *)&path, sizeof path);
  listen(server, 4);
  int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  connect(client, (struct sockaddr *)&path, sizeof path);
  struct sockaddr_un peer;
  socklen_t length = sizeof peer;
  int taken = accept4(server, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC);
  send(client, "to the server", 13, MSG_NOSIGNAL);
  recv(taken, buffer, sizeof buffer, MSG_PEEK);
  recv(taken, buffer, sizeof buffer, 0);
  recv(taken, buffer, sizeof buffer, MSG_DONTWAIT);
  length = sizeof peer;
  getsockname(taken, (struct sockaddr *)&peer, &length);
  length = sizeof peer;
  getpeername(client, (struct sockaddr *)&peer, &length);
  getsockopt(taken, SOL_SOCKET, SO_TYPE, &value, &size);
  getsockopt(taken, SOL_SOCKET, SO_ERROR, &value, &size);
  struct linger linger = {1, 5};
  setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  size = sizeof linger;
  getsockopt(client, SOL_SOCKET, SO_LINGER, &linger, &size);
  setsockopt(client, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  shutdown(client, SHUT_WR);
  recv(taken, buffer, sizeof buffer, 0);
  close(taken);
  close(client);
  close(server);
  unlink("socket");

  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec vector[] = {{"one", 3}, {"two", 3}};
  struct msghdr message = {
      .msg_iov = vector, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(rights), &(int){1}, sizeof(int));
  sendmsg(pair[0], &message, MSG_EOR);
  struct iovec into = {buffer, sizeof buffer};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC);
  sendto(pair[0], "", 0, 0, NULL, 0);
  close(pair[0]);
  close(pair[1]);

  int udp = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  setsockopt(udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(udp, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  setsockopt(udp, IPPROTO_IP, IP_TTL, &on, sizeof on);
  connect(udp, (struct sockaddr *)&six, sizeof six);
  length = sizeof six;
  getpeername(udp, (struct sockaddr *)&six, &length);
  connect(udp, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr));
  close(udp);

  int tcp = socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP);
  setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(tcp, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  size = sizeof value;
  getsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &value, &size);
  bind(tcp, (struct sockaddr *)&long_address, 4);
  close(tcp);

  socket(77, SOCK_STREAM, 0);
  socket(AF_INET, 77, 0);
  bind(977, (struct sockaddr *)&six, sizeof six);
  listen(977, 1);
  accept(977, NULL, NULL);
  sendto(977, "bytes", 5, 0, (struct sockaddr *)&six, sizeof six);
  setsockopt(977, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return 0;
}
