/* Messages about things that are not there: the kernel answers each with an error and the message. */
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <string.h>
#include <netinet/tcp.h>
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

static void open_socket(int protocol) {
  fd = socket(AF_NETLINK, SOCK_RAW, protocol);
  // strace learns the protocol of sockets that have an address.
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  bind(fd, (void *)&own, sizeof own);
}

static void ask_for_sockets(void) {
  struct inet_diag_req_v2 four = {
    .sdiag_family = AF_INET,
    .sdiag_protocol = IPPROTO_TCP,
    .idiag_ext = 1 << (INET_DIAG_MEMINFO - 1) | 1 << (INET_DIAG_CONG - 1),
    .idiag_states = 1 << TCP_ESTABLISHED | 1 << TCP_LISTEN,
    .id = {.idiag_sport = htons(1), .idiag_dport = htons(2), .idiag_cookie = {-1, -1}},
  };
  four.id.idiag_src[0] = inet_addr("192.0.2.77");
  four.id.idiag_dst[0] = inet_addr("192.0.2.78");
  begin(SOCK_DIAG_BY_FAMILY, 0, &four, sizeof four);
  ask();
  struct inet_diag_req_v2 six = {.sdiag_family = AF_INET6, .sdiag_protocol = IPPROTO_UDP, .idiag_states = -1};
  six.id.idiag_src[3] = six.id.idiag_dst[3] = htonl(1);
  begin(SOCK_DIAG_BY_FAMILY, 0, &six, sizeof six);
  ask();
  struct unix_diag_req local = {
    .sdiag_family = AF_UNIX,
    .udiag_states = 1 << TCP_LISTEN,
    .udiag_ino = 1,
    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER,
    .udiag_cookie = {1, 2},
  };
  begin(SOCK_DIAG_BY_FAMILY, 0, &local, sizeof local);
  ask();
  struct netlink_diag_req netlink = {.sdiag_family = AF_NETLINK, .sdiag_protocol = NDIAG_PROTO_ALL, .ndiag_show = 3};
  begin(SOCK_DIAG_BY_FAMILY, 0, &netlink, sizeof netlink);
  ask();
  struct packet_diag_req packet = {.sdiag_family = AF_PACKET, .pdiag_show = PACKET_SHOW_INFO | PACKET_SHOW_MCLIST};
  begin(SOCK_DIAG_BY_FAMILY, 0, &packet, sizeof packet);
  ask();
}

int main(void) {
  open_socket(NETLINK_ROUTE);
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

  struct fib_rule_hdr rule = {.family = AF_INET, .src_len = 32, .table = RT_TABLE_MAIN, .action = FR_ACT_PROHIBIT};
  begin(RTM_DELRULE, 0, &rule, sizeof rule);
  add(FRA_SRC, &address, 4);
  add(FRA_PRIORITY, &priority, 4);
  add(FRA_IIFNAME, "nosuchlink0", 12);
  ask();

  begin(999, NLM_F_CREATE, "abcd", 4);
  ask();
  open_socket(NETLINK_SOCK_DIAG);
  ask_for_sockets();
  puts("asked");
  return 0;
}
