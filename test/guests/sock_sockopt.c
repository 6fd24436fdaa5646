/* getsockopt and setsockopt: ints, structures, strings, buffers too short and too long, options that do not exist. */
#include "guest.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

static void get(int fd, int level, int option, socklen_t room) {
  unsigned char value[256];
  memset(value, 0xee, sizeof(value));
  socklen_t size = room;
  int result = getsockopt(fd, level, option, value, &size);
  printf("%d %d %u: %d errno %d size %u\n", level, option, room, result, result == -1 ? errno : 0, size);
  MIX(value);
}

int main(void) {
  int tcp = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0)), udp = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  int local = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  static const int options[] = {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_RCVBUF, SO_SNDBUF, SO_KEEPALIVE, SO_LINGER,
                                SO_RCVTIMEO, SO_SNDTIMEO, SO_ERROR, SO_ACCEPTCONN, SO_PRIORITY, SO_MARK, SO_COOKIE,
                                SO_PEERCRED, SO_BINDTODEVICE, SO_INCOMING_CPU, SO_MAX_PACING_RATE, SO_MEMINFO, 12345};
  for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
    get(tcp, SOL_SOCKET, options[i], 256);
    get(local, SOL_SOCKET, options[i], 64);
    get(udp, SOL_SOCKET, options[i], 4);
    get(udp, SOL_SOCKET, options[i], 2);
    get(udp, SOL_SOCKET, options[i], 0);
  }
  for (int option = 1; option < 30; option++) {
    get(tcp, IPPROTO_TCP, option, 200);
    get(tcp, IPPROTO_IP, option, 4);
    get(udp, IPPROTO_IP, option, 1);
  }

  int value = 1;
  socklen_t size = sizeof(value);
  CHECK_SYS(getsockopt(tcp, SOL_SOCKET, SO_TYPE, &value, &size));
  CHECK(value == SOCK_STREAM && size == 4);
  CHECK_SYS(setsockopt(tcp, SOL_SOCKET, SO_RCVBUF, &(int){10000}, sizeof(int)));
  CHECK_SYS(getsockopt(tcp, SOL_SOCKET, SO_RCVBUF, &value, &size));
  CHECK(value == 20000);
  CHECK_SYS(setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)));
  CHECK_SYS(getsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &value, &size));
  CHECK(value == 1);
  CHECK_ERRNO(setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &value, 1), EINVAL);
  CHECK_ERRNO(setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, (void *)8, 4), EFAULT);
  CHECK_ERRNO(getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &value, &size), ENOTSOCK);
  CHECK_SYS(setsockopt(tcp, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){1, 500000}, sizeof(struct timeval)));
  struct timeval limit;
  size = sizeof(limit);
  CHECK_SYS(getsockopt(tcp, SOL_SOCKET, SO_RCVTIMEO, &limit, &size));
  CHECK(limit.tv_sec == 1 && limit.tv_usec > 490000);
  MIX(limit);

  char name[16];
  memset(name, 0xee, sizeof(name));
  size = sizeof(name);
  if (getsockopt(tcp, IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0)
    printf("congestion control %.16s\n", name);

  /* Interfaces, by ioctl: a value-result structure with a pointer in it. */
  char bytes[1024];
  memset(bytes, 0, sizeof(bytes));
  struct ifconf list = {.ifc_len = sizeof(bytes), .ifc_buf = bytes};
  CHECK_SYS(ioctl(udp, SIOCGIFCONF, &list));
  printf("%d bytes of interfaces\n", list.ifc_len);
  MIX(bytes);
  struct ifreq request = {.ifr_name = "lo"};
  CHECK_SYS(ioctl(udp, SIOCGIFFLAGS, &request));
  CHECK(request.ifr_flags & IFF_LOOPBACK);
  CHECK_SYS(ioctl(udp, SIOCGIFINDEX, &request));
  CHECK_SYS(ioctl(udp, SIOCGIFMTU, &request));
  MIX(request);
  return done();
}
