/* Messages of NETLINK_ROUTE about things that are not there: the kernel answers each with an error and the message. */
#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int fd;
static struct {
  struct nlmsghdr header;
  char body[256];
} message;

static void begin(int type, int flags, const void *structure, unsigned size) {
  memset(&message, 0, sizeof message);
  message.header.nlmsg_type = type;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  message.header.nlmsg_seq = type;
  message.header.nlmsg_len = NLMSG_LENGTH(size);
  memcpy(message.body, structure, size);
}

static void add(int type, const void *value, unsigned size) {
  struct rtattr *attribute = (void *)((char *)&message + NLMSG_ALIGN(message.header.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(size);
  memcpy(RTA_DATA(attribute), value, size);
  message.header.nlmsg_len = NLMSG_ALIGN(message.header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static void ask(void) {
  static char answer[4096];
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  sendto(fd, &message, message.header.nlmsg_len, 0, (void *)&kernel, sizeof kernel);
  struct iovec part = {answer, sizeof answer};
  struct msghdr header = {.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &part, .msg_iovlen = 1};
  recvmsg(fd, &header, 0);
}

int main(void) {
  fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  // strace learns the protocol of sockets that have an address.
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  bind(fd, (void *)&own, sizeof own);
  unsigned address = inet_addr("192.0.2.77");
  unsigned char six[16] = {0x20, 1, 0xd, 0xb8, [15] = 7};
  unsigned char hardware[6] = {2, 0, 0, 0, 0, 1};
  unsigned table = 77, priority = 12;

  struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
  begin(RTM_DELLINK, 0, &link, sizeof link);
  add(IFLA_IFNAME, "nosuchlink0", 12);
  add(IFLA_MTU, &priority, 4);
  ask();

  struct ifaddrmsg local = {AF_INET, 24, IFA_F_PERMANENT, RT_SCOPE_LINK, 0};
  begin(RTM_DELADDR, 0, &local, sizeof local);
  add(IFA_LOCAL, &address, 4);
  add(IFA_LABEL, "nosuchlink0", 12);
  ask();

  struct rtmsg route = {AF_INET6, 128, 0, 0, 77, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0};
  begin(RTM_DELROUTE, 0, &route, sizeof route);
  add(RTA_DST, six, 16);
  add(RTA_TABLE, &table, 4);
  add(RTA_PRIORITY, &priority, 4);
  ask();

  struct ndmsg neighbour = {.ndm_family = AF_INET, .ndm_state = NUD_STALE | NUD_NOARP, .ndm_flags = NTF_PROXY};
  begin(RTM_DELNEIGH, 0, &neighbour, sizeof neighbour);
  add(NDA_DST, &address, 4);
  add(NDA_LLADDR, hardware, 6);
  ask();

  begin(999, NLM_F_CREATE, "abcd", 4);
  ask();
  puts("asked");
  return 0;
}
