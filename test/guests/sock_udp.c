/*
 * UDP over loopback: ports chosen by the kernel, sender's address, cut and empty datagrams, a refused port, a time
 * limit.
 */
#include "guest.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

static int make(struct sockaddr_in *address) {
  int fd = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  CHECK_SYS(bind(fd, (struct sockaddr *)address, sizeof(*address)));
  socklen_t size = sizeof(*address);
  CHECK_SYS(getsockname(fd, (struct sockaddr *)address, &size));
  return fd;
}

int main(void) {
  struct sockaddr_in at_a, at_b, from;
  int a = make(&at_a), b = make(&at_b);
  printf("ports %d %d\n", ntohs(at_a.sin_port), ntohs(at_b.sin_port));
  char text[64];
  memset(text, '.', sizeof(text));

  CHECK(sendto(a, "datagram", 8, 0, (struct sockaddr *)&at_b, sizeof(at_b)) == 8);
  CHECK(sendto(a, "", 0, 0, (struct sockaddr *)&at_b, sizeof(at_b)) == 0);
  CHECK(sendto(a, "cut here", 8, 0, (struct sockaddr *)&at_b, sizeof(at_b)) == 8);
  memset(&from, 0xee, sizeof(from));
  socklen_t size = sizeof(from);
  CHECK(recvfrom(b, text, sizeof(text), 0, (struct sockaddr *)&from, &size) == 8);
  CHECK(size == sizeof(from) && from.sin_port == at_a.sin_port);
  MIX(from);
  CHECK(recv(b, text + 20, 20, 0) == 0);
  struct iovec part = {text + 30, 3};
  struct msghdr message = {.msg_name = &from, .msg_namelen = 4, .msg_iov = &part, .msg_iovlen = 1};
  memset(&from, 0xee, sizeof(from));
  CHECK(recvmsg(b, &message, 0) == 3 && message.msg_flags == MSG_TRUNC && message.msg_namelen == sizeof(from));
  CHECK(from.sin_addr.s_addr == 0xeeeeeeee);
  MIX(from);
  MIX(text);

  CHECK_SYS(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_usec = 2000}, sizeof(struct timeval)));
  CHECK_ERRNO(recv(b, text, 1, 0), EAGAIN);
  CHECK_ERRNO(recv(b, text, 1, MSG_DONTWAIT), EAGAIN);

  CHECK_SYS(connect(a, (struct sockaddr *)&at_b, sizeof(at_b)));
  CHECK_SYS(close(b));
  struct pollfd wait = {.fd = a, .events = POLLIN};
  /* The kernel may drop the ICMP message that tells of the closed port, so this is done again. */
  for (int tries = 0; tries < 50 && wait.revents == 0; tries++) {
    CHECK(send(a, "lost", 4, 0) == 4);
    CHECK_SYS(poll(&wait, 1, 100));
  }
  CHECK(wait.revents & POLLERR);
  CHECK_ERRNO(recv(a, text, 1, 0), ECONNREFUSED);
  CHECK_SYS(connect(a, &(struct sockaddr){.sa_family = AF_UNSPEC}, sizeof(struct sockaddr)));
  CHECK_ERRNO(send(a, "x", 1, 0), EDESTADDRREQ);
  static char huge[70000];
  CHECK_ERRNO(sendto(a, huge, sizeof(huge), 0, (struct sockaddr *)&at_b, sizeof(at_b)), EMSGSIZE);
  return done();
}
