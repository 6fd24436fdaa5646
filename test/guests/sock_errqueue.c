/* The error queue: an ICMP answer to a UDP packet with its origin, and transmit time stamps. */
#include "guest.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <sys/socket.h>

static int read_errors(int fd) {
  char text[64];
  union {
    char bytes[512];
    struct cmsghdr align;
  } control;
  struct sockaddr_in from;
  memset(text, '.', sizeof(text));
  memset(&control, 0xee, sizeof(control));
  memset(&from, 0xee, sizeof(from));
  struct iovec part = {text, sizeof(text)};
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1,
                           .msg_control = &control, .msg_controllen = sizeof(control)};
  CHECK_SYS(recvmsg(fd, &message, MSG_ERRQUEUE));
  CHECK(message.msg_flags & MSG_ERRQUEUE);
  MIX(text);
  MIX(control);
  MIX(from);
  int error = -1;
  for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
    printf("level %d type %d size %zu\n", head->cmsg_level, head->cmsg_type, head->cmsg_len);
    if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR) {
      struct sock_extended_err *detail = (struct sock_extended_err *)CMSG_DATA(head);
      printf("error %u origin %d type %d\n", detail->ee_errno, detail->ee_origin, detail->ee_type);
      error = (int)detail->ee_errno;
    }
  }
  return error;
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int closed = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  CHECK_SYS(bind(closed, (struct sockaddr *)&address, sizeof(address)));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(closed, (struct sockaddr *)&address, &size));
  /* Bound before the other is closed, so that it doesn't get the same port. */
  int fd = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  CHECK_SYS(bind(fd, (struct sockaddr *)&own, sizeof(own)));
  CHECK_SYS(close(closed));
  CHECK_SYS(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &(int){1}, sizeof(int)));
  CHECK_ERRNO(recv(fd, (char[8]){0}, 8, MSG_ERRQUEUE), EAGAIN);
  struct pollfd wait = {.fd = fd, .events = 0};
  /* The kernel may drop an ICMP message, so the question is asked again. */
  for (int tries = 0; tries < 50 && wait.revents == 0; tries++) {
    ssize_t sent = sendto(fd, "is anyone there", 15, 0, (struct sockaddr *)&address, sizeof(address));
    CHECK(sent == 15 || errno == ECONNREFUSED);
    CHECK_SYS(poll(&wait, 1, 100));
  }
  CHECK(wait.revents == POLLERR);
  CHECK(read_errors(fd) == ECONNREFUSED);

  int stamped = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
  int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID;
  if (setsockopt(stamped, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) == 0) {
    int receiver = CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
    address.sin_port = 0;
    CHECK_SYS(bind(receiver, (struct sockaddr *)&address, sizeof(address)));
    size = sizeof(address);
    CHECK_SYS(getsockname(receiver, (struct sockaddr *)&address, &size));
    CHECK(sendto(stamped, "stamp me", 8, 0, (struct sockaddr *)&address, sizeof(address)) == 8);
    wait = (struct pollfd){.fd = stamped};
    CHECK(poll(&wait, 1, -1) == 1 && wait.revents == POLLERR);
    CHECK(read_errors(stamped) == ENOMSG);

    /* Arrival times with the data. */
    CHECK_SYS(setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &(int){1}, sizeof(int)));
    CHECK(sendto(stamped, "again", 5, 0, (struct sockaddr *)&address, sizeof(address)) == 5);
    char text[64], control[256];
    memset(control, 0xee, sizeof(control));
    struct msghdr message = {.msg_iov = &(struct iovec){text, sizeof(text)}, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof(control)};
    CHECK(recvmsg(receiver, &message, 0) == 8);
    message.msg_controllen = sizeof(control);
    CHECK(recvmsg(receiver, &message, 0) == 5);
    printf("control %zu\n", message.msg_controllen);
    MIX(control);
  } else {
    printf("no time stamps: errno %d\n", errno);
  }
  return done();
}
