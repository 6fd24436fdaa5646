/* Netlink: links, addresses and routes dumped over many datagrams, an error message, the port id the kernel gives. */
#include "guest.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static int dump(int fd, int type, unsigned sequence) {
  struct {
    struct nlmsghdr head;
    struct rtgenmsg body;
  } request = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)), .nlmsg_type = (unsigned short)type,
                        .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = sequence},
               .body = {.rtgen_family = AF_UNSPEC}};
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  CHECK(sendto(fd, &request, request.head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) > 0);
  int messages = 0;
  for (;;) {
    static char bytes[65536] __attribute__((aligned(8)));
    struct sockaddr_nl from;
    memset(&from, 0xee, sizeof(from));
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof(from),
                             .msg_iov = &(struct iovec){bytes, sizeof(bytes)}, .msg_iovlen = 1};
    ssize_t size = CHECK_SYS(recvmsg(fd, &message, 0));
    mix(bytes, (size_t)size);
    CHECK(from.nl_pid == 0);
    for (struct nlmsghdr *head = (void *)bytes; NLMSG_OK(head, (size_t)size); head = NLMSG_NEXT(head, size)) {
      CHECK(head->nlmsg_seq == sequence);
      if (head->nlmsg_type == NLMSG_DONE)
        return messages;
      if (head->nlmsg_type == NLMSG_ERROR)
        return -((struct nlmsgerr *)NLMSG_DATA(head))->error;
      messages++;
    }
  }
}

int main(void) {
  int fd = CHECK_SYS(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  CHECK_SYS(bind(fd, (struct sockaddr *)&own, sizeof(own)));
  socklen_t size = sizeof(own);
  CHECK_SYS(getsockname(fd, (struct sockaddr *)&own, &size));
  printf("port id %u of process %d\n", own.nl_pid, getpid());

  printf("links %d\n", dump(fd, RTM_GETLINK, 1));
  printf("addresses %d\n", dump(fd, RTM_GETADDR, 2));
  printf("routes %d\n", dump(fd, RTM_GETROUTE, 3));

  /* The size of the next answer, asked for without a buffer. */
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
  } one = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_GETLINK,
                    .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 4},
           .body = {.ifi_family = AF_UNSPEC, .ifi_index = 123456}};
  CHECK(send(fd, &one, one.head.nlmsg_len, 0) == (ssize_t)one.head.nlmsg_len);
  ssize_t length = CHECK_SYS(recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC));
  char answer[4096];
  CHECK(recv(fd, answer, sizeof(answer), 0) == length);
  struct nlmsghdr *head = (void *)answer;
  CHECK(head->nlmsg_type == NLMSG_ERROR);
  printf("unknown link: error %d\n", ((struct nlmsgerr *)NLMSG_DATA(head))->error);
  return done();
}
