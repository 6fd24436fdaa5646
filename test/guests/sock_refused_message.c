/* A receiver that gets no message may be told of credentials all the same, where the control messages would be. */
#include "guest.h"

#include <sys/socket.h>
#include <sys/un.h>

static void refuse(int type, size_t control_length, int vector_length) {
  int pair[2];
  CHECK_SYS(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair));
  CHECK_SYS(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
  char data[2][16], control[64];
  struct iovec vector[2] = {{data[0], sizeof(data[0])}, {data[1], sizeof(data[1])}};
  memset(control, 0xee, sizeof(control));
  struct msghdr header = {
      .msg_iov = vector, .msg_iovlen = (size_t)vector_length, .msg_control = control, .msg_controllen = control_length};
  for (int i = 0; i < 10; i++) {
    CHECK_ERRNO(recvmsg(pair[0], &header, 0), EAGAIN);
    CHECK(header.msg_controllen == control_length);
    MIX(control);
    memset(control, i, sizeof(control));
  }
  struct mmsghdr list[2] = {{.msg_hdr = header}, {.msg_hdr = header}};
  CHECK_ERRNO(recvmmsg(pair[0], list, 2, MSG_DONTWAIT, NULL), EAGAIN);
  MIX(control);
  CHECK(send(pair[1], "hello", 5, 0) == 5);
  CHECK(recvmsg(pair[0], &header, 0) == 5 || vector_length == 0);
  MIX(data[0]);
  MIX(control);
  CHECK_SYS(close(pair[0]));
  CHECK_SYS(close(pair[1]));
}

int main(void) {
  const size_t lengths[] = {0, 8, 16, 20, 24, 28, 32, 64};
  for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
    refuse(SOCK_STREAM, lengths[i], 1);
    refuse(SOCK_STREAM, lengths[i], 2);
    refuse(SOCK_DGRAM, lengths[i], 1);
    refuse(SOCK_SEQPACKET, lengths[i], 2);
  }
  /* No socket at all, and a header that is not there. */
  char control[32];
  struct msghdr header = {.msg_control = control, .msg_controllen = sizeof(control)};
  CHECK_ERRNO(recvmsg(-1, &header, 0), EBADF);
  CHECK_ERRNO(recvmsg(-1, (struct msghdr *)8, 0), EBADF);
  return done();
}
