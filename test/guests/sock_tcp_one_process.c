/* TCP over loopback with both ends in one process, non-blocking connect, ports chosen by the kernel. */
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, other;
  int server = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_SYS(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
  CHECK_SYS(bind(server, (struct sockaddr *)&address, sizeof(address)));
  CHECK_SYS(listen(server, 3));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(server, (struct sockaddr *)&address, &size));
  printf("port %d\n", ntohs(address.sin_port));

  int client = CHECK_SYS(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int result = connect(client, (struct sockaddr *)&address, sizeof(address));
  printf("connect %d errno %d\n", result, result == -1 ? errno : 0);
  CHECK(result == 0 || errno == EINPROGRESS);
  struct pollfd wait = {.fd = client, .events = POLLOUT};
  CHECK(poll(&wait, 1, -1) == 1 && wait.revents == POLLOUT);
  int error = -1;
  size = sizeof(error);
  CHECK_SYS(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size));
  CHECK(error == 0);

  size = sizeof(other);
  memset(&other, 0xee, sizeof(other));
  int peer = CHECK_SYS(accept(server, (struct sockaddr *)&other, &size));
  CHECK(size == sizeof(other) && other.sin_family == AF_INET);
  printf("from port %d\n", ntohs(other.sin_port));
  MIX(other);

  static unsigned char bytes[1 << 20], back[1 << 20];
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  CHECK(read(random, bytes, 65536) == 65536);
  for (size_t i = 65536; i < sizeof(bytes); i++)
    bytes[i] = bytes[i - 65536] ^ (unsigned char)(i >> 16);
  size_t sent = 0, received = 0;
  CHECK_SYS(fcntl(peer, F_SETFL, O_NONBLOCK));
  while (received < sizeof(back)) {
    ssize_t n = sent < sizeof(bytes) ? send(client, bytes + sent, sizeof(bytes) - sent, MSG_NOSIGNAL) : 0;
    if (n > 0)
      sent += (size_t)n;
    CHECK(n >= 0 || errno == EAGAIN);
    wait = (struct pollfd){.fd = peer, .events = POLLIN};
    CHECK(poll(&wait, 1, -1) == 1);
    n = CHECK_SYS(recv(peer, back + received, sizeof(back) - received, 0));
    received += (size_t)n;
    MIX(n);
  }
  CHECK(memcmp(bytes, back, sizeof(bytes)) == 0);

  struct tcp_info info;
  memset(&info, 0xee, sizeof(info));
  size = sizeof(info);
  CHECK_SYS(getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &size));
  CHECK(info.tcpi_state == TCP_ESTABLISHED);
  mix(&info, sizeof(info));
  printf("round trip %u us, %u bytes of information\n", info.tcpi_rtt, size);

  CHECK_SYS(shutdown(client, SHUT_WR));
  wait = (struct pollfd){.fd = peer, .events = POLLIN | POLLRDHUP};
  CHECK(poll(&wait, 1, -1) == 1 && recv(peer, back, 1, 0) == 0);

  /* A reset: the error is reported once. */
  CHECK_SYS(setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger)));
  CHECK_SYS(close(peer));
  wait = (struct pollfd){.fd = client, .events = POLLIN};
  CHECK(poll(&wait, 1, -1) == 1);
  CHECK_ERRNO(recv(client, back, 1, 0), ECONNRESET);
  CHECK(recv(client, back, 1, 0) == 0);

  CHECK_SYS(close(server));
  int refused = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_ERRNO(connect(refused, (struct sockaddr *)&address, sizeof(address)), ECONNREFUSED);
  return done();
}
