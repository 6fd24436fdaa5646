/* SCM_CREDENTIALS and SO_PEERCRED: pid, uid and gid that the kernel adds; forged ones need privilege. */
#include "guest.h"

#include <sys/socket.h>

static struct ucred receive(int socket) {
  union {
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + 64];
    struct cmsghdr align;
  } control;
  memset(&control, 0xee, sizeof(control));
  char text[16];
  struct msghdr message = {.msg_iov = &(struct iovec){text, sizeof(text)}, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = sizeof(control)};
  CHECK(recvmsg(socket, &message, 0) > 0);
  struct ucred answer = {0};
  for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head))
    if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS)
      memcpy(&answer, CMSG_DATA(head), sizeof(answer));
  printf("pid %d uid %u gid %u flags %#x\n", answer.pid, answer.uid, answer.gid, message.msg_flags);
  MIX(control);
  return answer;
}

int main(void) {
  int pair[2];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
  CHECK_SYS(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
  CHECK(write(pair[0], "own", 3) == 3);
  struct ucred got = receive(pair[1]);
  CHECK(got.pid == getpid() && got.uid == geteuid() && got.gid == getegid());

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(write(pair[0], "child", 5) == 5);
    _exit(0);
  }
  got = receive(pair[1]);
  CHECK(got.pid == child);
  wait_ok(child);

  struct ucred peer;
  socklen_t size = sizeof(peer);
  CHECK_SYS(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size));
  CHECK(peer.pid == getpid() && size == sizeof(peer));
  MIX(peer);

  union {
    char bytes[CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
  } control = {.bytes = {0}};
  struct msghdr message = {.msg_iov = &(struct iovec){(char *)"forged", 6}, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = sizeof(control)};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){CMSG_LEN(sizeof(struct ucred)), SOL_SOCKET, SCM_CREDENTIALS};
  memcpy(CMSG_DATA(head), &(struct ucred){.pid = 1, .uid = getuid(), .gid = getgid()}, sizeof(struct ucred));
  if (sendmsg(pair[0], &message, 0) == -1)
    printf("forged: errno %d\n", errno);
  else
    CHECK(receive(pair[1]).pid == 1);
  memcpy(CMSG_DATA(head), &(struct ucred){.pid = getpid(), .uid = getuid(), .gid = getgid()}, sizeof(struct ucred));
  CHECK(sendmsg(pair[0], &message, 0) == 6 && receive(pair[1]).pid == getpid());

#ifdef SO_PEERPIDFD
  int pidfd = -1;
  size = sizeof(pidfd);
  printf("SO_PEERPIDFD %d ", getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size));
  printf("%d\n", pidfd);
#endif
  return done();
}
