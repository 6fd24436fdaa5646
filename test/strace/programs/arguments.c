/* Arguments in forms of their own: requests of interfaces and terminals, modes,
 * priorities, masks, what a call leaves unread. Most calls fail, as their
 * descriptor is not open or their file is not there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/kd.h>
#include <linux/loop.h>
#include <linux/nsfs.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <linux/vt.h>
#include <linux/watchdog.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD 977
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void requests(void) {
  static const unsigned numbers[] = {
      TCSBRK,
      TIOCSCTTY,
      TIOCEXCL,
      TIOCNXCL,
      TIOCGPTPEER,
      TIOCMIWAIT,
      VT_ACTIVATE,
      VT_WAITACTIVE,
      FIOCLEX,
      FIONCLEX,
      LOOP_SET_FD,
      LOOP_CLR_FD,
      LOOP_CTL_ADD,
      LOOP_CTL_GET_FREE,
      LOOP_SET_CAPACITY,
      BLKRRPART,
      BLKFLSBUF,
      BLKRASET,
      FIFREEZE,
      FITHAW,
      NS_GET_USERNS,
      NS_GET_PARENT,
      NS_GET_NSTYPE,
      RTC_AIE_ON,
      RTC_UIE_OFF,
      RTC_IRQP_SET,
      WDIOC_KEEPALIVE,
      KDSIGACCEPT,
      SIOCGSKNS,
      0x8900,
  };
  for (unsigned i = 0; i < COUNT(numbers); i++)
    ioctl(BAD, numbers[i], 258);
}

static void interfaces(void) {
  static const unsigned gets[] = {
      SIOCGIFFLAGS,   SIOCGIFADDR,   SIOCGIFDSTADDR, SIOCGIFBRDADDR,
      SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFMTU,     SIOCGIFHWADDR,
      SIOCGIFSLAVE,   SIOCGIFINDEX,  SIOCGIFMAP,     SIOCGIFTXQLEN};
  static const unsigned sets[] = {SIOCSIFFLAGS,  SIOCSIFADDR,  SIOCSIFNETMASK,
                                  SIOCSIFMETRIC, SIOCSIFMTU,   SIOCSIFNAME,
                                  SIOCSIFHWADDR, SIOCSIFSLAVE, SIOCSIFMAP,
                                  SIOCSIFTXQLEN, SIOCADDMULTI, SIOCDELMULTI};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq request;
  for (unsigned i = 0; i < COUNT(gets); i++) {
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    ioctl(fd, gets[i], &request);
    strcpy(request.ifr_name, "none");
    ioctl(fd, gets[i], &request);
  }
  for (unsigned i = 0; i < COUNT(sets); i++) {
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_ifindex = AF_INET;
    ioctl(BAD, sets[i], &request);
  }
  memset(&request, 0, sizeof request);
  request.ifr_ifindex = 1;
  ioctl(fd, SIOCGIFNAME, &request);
  request.ifr_ifindex = 99999;
  ioctl(fd, SIOCGIFNAME, &request);

  char room[400];
  struct ifconf list = {0, {0}};
  ioctl(fd, SIOCGIFCONF, &list);
  list = (struct ifconf){33, {room}};
  ioctl(fd, SIOCGIFCONF, &list);
  list = (struct ifconf){sizeof room, {room}};
  ioctl(BAD, SIOCGIFCONF, &list);
  /* One address is there in every network. */
  list = (struct ifconf){sizeof request, {room}};
  ioctl(fd, SIOCGIFCONF, &list);
  close(fd);
}

static void modes(void) {
  static const unsigned modes[] = {0,       1,      0644,   07777,     0100644,
                                   0170000, 040755, 020001, 0xffffffff};
  for (unsigned i = 0; i < COUNT(modes); i++) {
    unsigned mode = modes[i];
    syscall(SYS_chmod, "/none", mode);
    syscall(SYS_fchmod, BAD, mode);
    syscall(SYS_fchmodat, BAD, "x", mode);
    syscall(SYS_open, "/none/x", O_CREAT, mode);
    syscall(SYS_creat, "/none/x", mode);
    syscall(SYS_mkdir, "/none/x", mode);
    syscall(SYS_mknod, "/none/x", mode, 0x123);
    syscall(SYS_mknodat, BAD, "x", mode, 0x12345678);
    syscall(SYS_umask, mode);
  }
  umask(022);
}

int main(void) {
  requests();
  interfaces();
  modes();

  struct epoll_event event = {EPOLLIN, {0}};
  for (int op = 0; op < 4; op++)
    syscall(SYS_epoll_ctl, BAD, op, 5, &event);

  long offset = 3;
  int from = open("/etc/passwd", O_RDONLY), to = open("/dev/null", O_WRONLY);
  syscall(SYS_sendfile, to, from, &offset, 5);
  offset = 1 << 24;
  syscall(SYS_sendfile, to, from, &offset, 5);
  syscall(SYS_sendfile, BAD, from, &offset, 5);

  char room[64];
  syscall(SYS_syslog, 0, room, 5);
  syscall(SYS_syslog, 1, room, 5);
  syscall(SYS_syslog, 10, room, 5);
  syscall(SYS_syslog, 2, BAD, -1);
  syscall(SYS_syslog, 8, BAD, BAD);
  syscall(SYS_syslog, 99, BAD, 1);

  static const int swaps[] = {0,       1,       0x8000,   0x8005,
                              0x10000, 0x70003, 0x200000, 0x1ffff};
  for (unsigned i = 0; i < COUNT(swaps); i++)
    syscall(SYS_swapon, "/none", swaps[i]);

  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } action = {SIG_ERR, 0x04000000, 0, 0};
  syscall(SYS_rt_sigaction, 77, &action, 0, 8);

  unsigned long nodes[] = {1, 0, -1UL, 0x123456789abcdefUL};
  syscall(SYS_set_mempolicy, 99, nodes, 256);
  syscall(SYS_mbind, 0x1000, 4096, 99, nodes, 129, 0x80);

  /* A version that there is not: the kernel stores the one it knows. */
  unsigned header[2] = {BAD, 0};
  syscall(SYS_capget, header, NULL);
  int attributes = FS_APPEND_FL | FS_NOCOW_FL;
  ioctl(BAD, FS_IOC_SETFLAGS, &attributes);
  ioctl(BAD, FS_IOC_GETFLAGS, &attributes);

  mkdir("empty", 0700);
  int directory = open("empty", O_RDONLY | O_DIRECTORY);
  syscall(SYS_getdents64, directory, room, 24);
  syscall(SYS_getdents64, directory, room, sizeof room);
  syscall(SYS_getdents64, directory, room, sizeof room);

  struct {
    unsigned short family, pad;
    unsigned pid, groups;
  } netlink = {AF_NETLINK, 0x1234, -5, 3};
  syscall(SYS_bind, BAD, &netlink, sizeof netlink);
  /* Escapes before digits that are octal, and that are not. */
  syscall(SYS_write, BAD, "\0018\0010\0017\0019\1a\2009", 12);
  return 0;
}
