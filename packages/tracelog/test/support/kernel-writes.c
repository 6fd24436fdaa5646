// Makes system calls on pointers into one page and prints what the kernel changed there: for each
// call a line of JSON with the arguments, the result, and the page before and after in hex. Each
// call is made on two fill patterns, as a byte that is stored with the value it had does not show.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
static unsigned char *page;
static unsigned char before[PAGE], after[PAGE];
static int pattern;
static int made;

static void fail(const char *what) {
  perror(what);
  exit(1);
}
static long must(long result, const char *what) {
  if (result < 0) fail(what);
  return result;
}

static void fresh(void) { memset(page, pattern, PAGE); }
static long at(int offset) { return (long)(page + offset); }
static void put32(int offset, unsigned value) { memcpy(page + offset, &value, 4); }
static void put64(int offset, unsigned long value) { memcpy(page + offset, &value, 8); }
static void putiov(int offset, int base, unsigned long length) {
  put64(offset, at(base));
  put64(offset + 8, length);
}

static void hex(const unsigned char *bytes) {
  static const char digits[] = "0123456789abcdef";
  static char line[2 * PAGE + 1];
  for (int i = 0; i < PAGE; i++) {
    line[2 * i] = digits[bytes[i] >> 4];
    line[2 * i + 1] = digits[bytes[i] & 15];
  }
  fputs(line, stdout);
}

static void on_alarm(int signo) { (void)signo; }
// A signal every few milliseconds, so that one arrives also if the first came before the call
// waited.
static void alarm_on(void) {
  struct itimerval soon = {{0, 5000}, {0, 5000}};
  setitimer(ITIMER_REAL, &soon, NULL);
}
static void alarm_off(void) {
  struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
}

// `wants`: 1 if the call, where it succeeds, must have stored something; 2 if it must have done so
// although it fails.
static long call(const char *label, int wants, long nr, long a, long b, long c, long d, long e,
                 long f) {
  memcpy(before, page, PAGE);
  long result = syscall(nr, a, b, c, d, e, f);
  if (result == -1) result = -errno;
  // Printing must not be interrupted.
  alarm_off();
  memcpy(after, page, PAGE);
  printf(
      "{\"label\":\"%s\",\"wants\":%d,\"nr\":%ld,\"args\":[\"%ld\",\"%ld\",\"%ld\",\"%ld\",\"%ld\","
      "\"%ld\"],\"result\":\"%ld\",\"page\":\"%ld\",\"before\":\"",
      label, wants, nr, a, b, c, d, e, f, result, at(0));
  hex(before);
  fputs("\",\"after\":\"", stdout);
  hex(after);
  puts("\"}");
  made++;
  return result;
}
#define CALL6(label, wants, nr, a, b, c, d, e, f) \
  call(label, wants, nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL5(label, wants, nr, a, b, c, d, e) CALL6(label, wants, nr, a, b, c, d, e, 0)
#define CALL4(label, wants, nr, a, b, c, d) CALL6(label, wants, nr, a, b, c, d, 0, 0)
#define CALL3(label, wants, nr, a, b, c) CALL6(label, wants, nr, a, b, c, 0, 0, 0)
#define CALL2(label, wants, nr, a, b) CALL6(label, wants, nr, a, b, 0, 0, 0, 0)
#define CALL1(label, wants, nr, a) CALL6(label, wants, nr, a, 0, 0, 0, 0, 0)

static void files(void) {
  int fd = must(open("data", O_RDWR | O_CREAT | O_TRUNC, 0644), "data");
  must(write(fd, "0123456789abcdefghij", 20), "write");
  symlink("data", "link");
  lseek(fd, 0, SEEK_SET);
  fresh();
  CALL3("read", 1, SYS_read, fd, at(0), 7);
  fresh();
  CALL3("read at the end of the room", 1, SYS_read, fd, at(0), 100);
  fresh();
  CALL4("pread64", 1, SYS_pread64, fd, at(64), 30, 15);
  lseek(fd, 0, SEEK_SET);
  fresh();
  putiov(0, 256, 3);
  putiov(16, 512, 0);
  putiov(32, 600, 5);
  CALL3("readv", 1, SYS_readv, fd, at(0), 3);
  fresh();
  putiov(0, 256, 3);
  putiov(16, 512, 100);
  CALL5("preadv", 1, SYS_preadv, fd, at(0), 2, 10, 0);
  fresh();
  putiov(0, 256, 3);
  putiov(16, 512, 100);
  CALL6("preadv2", 1, SYS_preadv2, fd, at(0), 2, 10, 0, 0);
  fresh();
  CALL2("stat", 1, SYS_stat, "data", at(0));
  fresh();
  CALL2("lstat", 1, SYS_lstat, "link", at(0));
  fresh();
  CALL2("fstat", 1, SYS_fstat, fd, at(0));
  fresh();
  CALL4("newfstatat", 1, SYS_newfstatat, AT_FDCWD, "data", at(0), 0);
  fresh();
  CALL2("stat of nothing", 0, SYS_stat, "nothing", at(0));
  fresh();
  CALL5("statx", 1, SYS_statx, AT_FDCWD, "data", 0, 0xfff, at(0));
  fresh();
  CALL2("statfs", 1, SYS_statfs, ".", at(0));
  fresh();
  CALL2("fstatfs", 1, SYS_fstatfs, fd, at(0));
  struct stat status;
  stat(".", &status);
  fresh();
  CALL2("ustat", 1, SYS_ustat, status.st_dev, at(0));
  fresh();
  CALL2("getcwd", 1, SYS_getcwd, at(0), 1024);
  fresh();
  CALL2("getcwd without room", 0, SYS_getcwd, at(0), 2);
  fresh();
  CALL3("readlink", 1, SYS_readlink, "link", at(0), 100);
  fresh();
  CALL4("readlinkat cut", 1, SYS_readlinkat, AT_FDCWD, "link", at(0), 2);
  int dir = must(open(".", O_RDONLY | O_DIRECTORY), "open .");
  fresh();
  CALL3("getdents64", 1, SYS_getdents64, dir, at(0), 1000);
  lseek(dir, 0, SEEK_SET);
  fresh();
  CALL3("getdents", 1, SYS_getdents, dir, at(0), 60);
  lseek(dir, 0, SEEK_SET);
  fresh();
  CALL3("getdents64 without room", 0, SYS_getdents64, dir, at(0), 3);
  close(dir);
  if (setxattr("data", "user.color", "green", 5, 0) == 0) {
    fresh();
    CALL4("getxattr", 1, SYS_getxattr, "data", "user.color", at(0), 100);
    fresh();
    CALL4("getxattr of size 0", 0, SYS_getxattr, "data", "user.color", at(0), 0);
    fresh();
    CALL4("getxattr without room", 0, SYS_getxattr, "data", "user.color", at(0), 2);
    fresh();
    CALL4("lgetxattr", 1, SYS_lgetxattr, "data", "user.color", at(0), 100);
    fresh();
    CALL4("fgetxattr", 1, SYS_fgetxattr, fd, "user.color", at(0), 100);
    fresh();
    CALL3("llistxattr", 1, SYS_llistxattr, "data", at(0), 100);
    fresh();
    CALL3("flistxattr", 1, SYS_flistxattr, fd, at(0), 100);
    fresh();
    CALL3("listxattr", 1, SYS_listxattr, "data", at(0), 100);
    fresh();
    CALL3("flistxattr of size 0", 0, SYS_flistxattr, fd, at(0), 0);
    fresh();
    put64(0, at(512));
    put32(8, 100);
    put32(12, 0);
    CALL6("getxattrat", 1, 464, AT_FDCWD, "data", 0, "user.color", at(0), 16);
    fresh();
    CALL5("listxattrat", 1, 465, AT_FDCWD, "data", 0, at(0), 100);
  }
  fresh();
  put32(0, 128);
  CALL5("name_to_handle_at", 1, SYS_name_to_handle_at, AT_FDCWD, "data", at(0), at(512), 0);
  fresh();
  put32(0, 0);
  CALL5("name_to_handle_at without room", 0, SYS_name_to_handle_at, AT_FDCWD, "data", at(0),
        at(512), 0);
  fresh();
  put32(0, 2);
  CALL5("name_to_handle_at, unique id", 0, SYS_name_to_handle_at, AT_FDCWD, "data", at(0), at(512),
        1);
  fresh();
  put64(0, 0);
  put64(8, 0);
  CALL4("cachestat", 1, 451, fd, at(0), at(64), 0);
  fresh();
  CALL5("file_getattr", 1, 468, AT_FDCWD, "data", at(0), 24, 0);
  fresh();
  CALL5("file_getattr, larger", 1, 468, AT_FDCWD, "data", at(0), 64, 0);
  unsigned long mount = 0;
#ifdef STATX_MNT_ID
  struct statx information;
  if (statx(AT_FDCWD, ".", 0, 0x4000, &information) == 0) mount = information.stx_mnt_id;
#endif
  fresh();
  put32(0, 24);
  put32(4, 0);
  put64(8, mount);
  put64(16, 0x3f);
  CALL4("statmount", 1, 457, at(0), at(64), 2048, 0);
  fresh();
  put32(0, 24);
  put32(4, 0);
  put64(8, -1UL);
  put64(16, 0);
  CALL4("listmount", 1, 458, at(0), at(64), 4, 0);
  fresh();
  CALL3("sysfs", 1, SYS_sysfs, 2, 0, at(0));

  int copy = must(open("copy", O_RDWR | O_CREAT | O_TRUNC, 0644), "copy");
  fresh();
  put64(0, 3);
  put64(64, 1);
  CALL6("copy_file_range", 1, SYS_copy_file_range, fd, at(0), copy, at(64), 5, 0);
  fresh();
  put64(0, 100);
  CALL6("copy_file_range at the end", 0, SYS_copy_file_range, fd, at(0), copy, 0, 5, 0);
  fresh();
  put64(0, 3);
  CALL4("sendfile", 1, SYS_sendfile, copy, fd, at(0), 5);
  fresh();
  put64(0, 3);
  CALL4("sendfile that fails", 0, SYS_sendfile, -1, fd, at(0), 5);
  int ends[2];
  must(pipe(ends), "pipe");
  fresh();
  put64(0, 2);
  CALL6("splice", 1, SYS_splice, fd, at(0), ends[1], 0, 6, 0);
  fresh();
  put64(0, 2);
  CALL6("splice out", 1, SYS_splice, ends[0], 0, copy, at(0), 3, 0);
  fresh();
  putiov(0, 64, 2);
  CALL4("vmsplice from a pipe", 1, SYS_vmsplice, ends[0], at(0), 1, 0);
  fresh();
  putiov(0, 64, 2);
  CALL4("vmsplice into a pipe", 0, SYS_vmsplice, ends[1], at(0), 1, 0);
  fresh();
  CALL1("pipe", 1, SYS_pipe, at(0));
  fresh();
  CALL2("pipe2", 1, SYS_pipe2, at(0), O_CLOEXEC);
  fresh();
  CALL2("pipe2 with bad flags", 0, SYS_pipe2, at(0), -1);

  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2};
  fresh();
  memcpy(page, &lock, sizeof lock);
  CALL3("fcntl F_GETLK", 1, SYS_fcntl, fd, F_GETLK, at(0));
  lock.l_pid = 0;
  fresh();
  memcpy(page, &lock, sizeof lock);
  CALL3("fcntl F_OFD_GETLK", 1, SYS_fcntl, fd, 36, at(0));
  fresh();
  CALL3("fcntl F_GETOWN_EX", 1, SYS_fcntl, fd, 16, at(0));
  fresh();
  CALL3("fcntl F_GETOWNER_UIDS", 1, SYS_fcntl, fd, 17, at(0));
  fresh();
  CALL3("fcntl F_GET_RW_HINT", 1, SYS_fcntl, fd, 1035, at(0));
  fresh();
  CALL3("fcntl F_GETFL", 0, SYS_fcntl, fd, F_GETFL, at(0));

  fresh();
  CALL3("FS_IOC_GETFLAGS", 1, SYS_ioctl, fd, FS_IOC_GETFLAGS, at(0));
  fresh();
  CALL3("FS_IOC_GETVERSION", 1, SYS_ioctl, fd, FS_IOC_GETVERSION, at(0));
  fresh();
  CALL3("FS_IOC_FSGETXATTR", 1, SYS_ioctl, fd, FS_IOC_FSGETXATTR, at(0));
  fresh();
  CALL3("FIGETBSZ", 1, SYS_ioctl, fd, 2, at(0));
  fresh();
  CALL3("FIONREAD of a file", 1, SYS_ioctl, fd, FIONREAD, at(0));
  fresh();
  CALL3("FIOQSIZE", 1, SYS_ioctl, fd, 0x5460, at(0));
  fresh();
  CALL3("FS_IOC_GETFSLABEL", 0, SYS_ioctl, fd, 0x81009431, at(0));
  fresh();
  CALL3("FS_IOC_GETFSUUID", 0, SYS_ioctl, fd, 0x80111500, at(0));
  fresh();
  put64(0, 0);
  put64(8, 1 << 20);
  put32(16, 1);
  put32(20, 0);
  put32(24, 4);
  put32(28, 0);
  CALL3("FIEMAP", 1, SYS_ioctl, fd, 0xc020660b, at(0));
  fresh();
  put64(0, 0);
  put64(8, 1 << 20);
  put32(16, 0x40000000);
  put32(20, 0);
  put32(24, 4);
  put32(28, 0);
  CALL3("FIEMAP with bad flags", 0, SYS_ioctl, fd, 0xc020660b, at(0));
  close(fd);
  close(copy);
}

static void terminals(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  if (master >= 0) {
    fresh();
    CALL3("TCGETS", 1, SYS_ioctl, master, 0x5401, at(0));
    fresh();
    CALL3("TCGETS2", 1, SYS_ioctl, master, 0x802c542a, at(0));
    fresh();
    CALL3("TCGETA", 1, SYS_ioctl, master, 0x5405, at(0));
    fresh();
    CALL3("TIOCGLCKTRMIOS", 1, SYS_ioctl, master, 0x5456, at(0));
    fresh();
    CALL3("TIOCGWINSZ", 1, SYS_ioctl, master, TIOCGWINSZ, at(0));
    fresh();
    CALL3("TIOCGPTN", 1, SYS_ioctl, master, TIOCGPTN, at(0));
    fresh();
    CALL3("TIOCGPTLCK", 1, SYS_ioctl, master, 0x80045439, at(0));
    fresh();
    CALL3("TIOCGPKT", 1, SYS_ioctl, master, 0x80045438, at(0));
    fresh();
    CALL3("TIOCGEXCL", 1, SYS_ioctl, master, 0x80045440, at(0));
    fresh();
    CALL3("TIOCOUTQ", 1, SYS_ioctl, master, TIOCOUTQ, at(0));
    fresh();
    CALL3("FIONREAD of a terminal", 1, SYS_ioctl, master, FIONREAD, at(0));
    fresh();
    CALL3("TIOCGETD", 1, SYS_ioctl, master, TIOCGETD, at(0));
    fresh();
    CALL3("TIOCGPGRP", 1, SYS_ioctl, master, TIOCGPGRP, at(0));
    fresh();
    CALL3("TIOCGSID", 0, SYS_ioctl, master, TIOCGSID, at(0));
    fresh();
    CALL3("TIOCGDEV", 1, SYS_ioctl, master, 0x80045432, at(0));
    fresh();
    CALL3("TIOCGSERIAL", 0, SYS_ioctl, master, TIOCGSERIAL, at(0));
    close(master);
  }
  fresh();
  CALL3("TCGETS of no terminal", 0, SYS_ioctl, open("/dev/null", O_RDWR), 0x5401, at(0));
  int random = open("/dev/random", O_RDONLY);
  fresh();
  CALL3("RNDGETENTCNT", 1, SYS_ioctl, random, 0x80045200, at(0));
  int namespace = open("/proc/self/ns/user", O_RDONLY);
  fresh();
  CALL3("NS_GET_OWNER_UID", 1, SYS_ioctl, namespace, 0xb704, at(0));
  int tun = open("/dev/net/tun", O_RDWR);
  if (tun >= 0) {
    fresh();
    CALL3("TUNGETFEATURES", 1, SYS_ioctl, tun, TUNGETFEATURES, at(0));
    fresh();
    memset(page, 0, 40);
    strcpy((char *)page, "scribe%d");
    page[16] = 2;
    page[17] = 0x10;
    CALL3("TUNSETIFF", 1, SYS_ioctl, tun, TUNSETIFF, at(0));
    fresh();
    CALL3("TUNGETIFF", 1, SYS_ioctl, tun, TUNGETIFF, at(0));
    fresh();
    CALL3("TUNGETSNDBUF", 1, SYS_ioctl, tun, TUNGETSNDBUF, at(0));
    close(tun);
  }
  int rtc = open("/dev/rtc0", O_RDONLY);
  if (rtc >= 0) {
    fresh();
    CALL3("RTC_RD_TIME", 1, SYS_ioctl, rtc, 0x80247009, at(0));
    close(rtc);
  }
  int loop = open("/dev/loop0", O_RDONLY);
  if (loop >= 0) {
    fresh();
    CALL3("BLKGETSIZE64", 1, SYS_ioctl, loop, 0x80081272, at(0));
    fresh();
    CALL3("BLKGETSIZE", 1, SYS_ioctl, loop, 0x1260, at(0));
    fresh();
    CALL3("BLKSSZGET", 1, SYS_ioctl, loop, 0x1268, at(0));
    fresh();
    CALL3("BLKBSZGET", 1, SYS_ioctl, loop, 0x80081270, at(0));
    fresh();
    CALL3("BLKPBSZGET", 1, SYS_ioctl, loop, 0x127b, at(0));
    fresh();
    CALL3("BLKIOMIN", 1, SYS_ioctl, loop, 0x1278, at(0));
    fresh();
    CALL3("BLKIOOPT", 1, SYS_ioctl, loop, 0x1279, at(0));
    fresh();
    CALL3("BLKALIGNOFF", 1, SYS_ioctl, loop, 0x127a, at(0));
    fresh();
    CALL3("BLKROTATIONAL", 1, SYS_ioctl, loop, 0x127e, at(0));
    fresh();
    CALL3("BLKSECTGET", 1, SYS_ioctl, loop, 0x1267, at(0));
    fresh();
    CALL3("BLKROGET", 1, SYS_ioctl, loop, 0x125e, at(0));
    fresh();
    CALL3("BLKRAGET", 1, SYS_ioctl, loop, 0x1263, at(0));
    fresh();
    CALL3("HDIO_GETGEO", 0, SYS_ioctl, loop, 0x0301, at(0));
    fresh();
    CALL3("LOOP_GET_STATUS64", 0, SYS_ioctl, loop, 0x4c05, at(0));
    close(loop);
  }
}

static void sockets(void) {
  fresh();
  CALL4("socketpair", 1, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, at(0));
  fresh();
  CALL4("socketpair that fails", 2, SYS_socketpair, AF_INET, SOCK_STREAM, 0, at(0));

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
  must(bind(listener, (struct sockaddr *)&address, length), "bind");
  must(listen(listener, 8), "listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  must(connect(client, (struct sockaddr *)&address, sizeof address), "connect");
  fresh();
  put32(256, 128);
  long server = CALL3("accept", 1, SYS_accept, listener, at(0), at(256));
  int client2 = socket(AF_INET, SOCK_STREAM, 0);
  must(connect(client2, (struct sockaddr *)&address, sizeof address), "connect");
  fresh();
  put32(256, 5);
  close(CALL4("accept4 with little room", 1, SYS_accept4, listener, at(0), at(256), 0));
  fresh();
  put32(256, 128);
  CALL4("accept4 that fails", 0, SYS_accept4, client, at(0), at(256), 0);
  fresh();
  put32(256, 128);
  CALL3("getsockname", 1, SYS_getsockname, client, at(0), at(256));
  fresh();
  put32(256, 3);
  CALL3("getpeername with little room", 1, SYS_getpeername, client, at(0), at(256));
  fresh();
  put32(256, 128);
  CALL3("getpeername that fails", 0, SYS_getpeername, listener, at(0), at(256));
  fresh();
  put32(512, 4);
  CALL5("getsockopt SO_TYPE", 1, SYS_getsockopt, client, SOL_SOCKET, SO_TYPE, at(0), at(512));
  fresh();
  put32(512, 100);
  CALL5("getsockopt SO_TYPE with more room", 1, SYS_getsockopt, client, SOL_SOCKET, SO_TYPE, at(0),
        at(512));
  fresh();
  put32(512, 2);
  CALL5("getsockopt SO_LINGER cut", 1, SYS_getsockopt, client, SOL_SOCKET, SO_LINGER, at(0),
        at(512));
  fresh();
  put32(512, 16);
  CALL5("getsockopt SO_RCVTIMEO", 1, SYS_getsockopt, client, SOL_SOCKET, SO_RCVTIMEO, at(0),
        at(512));
  fresh();
  put32(512, 400);
  CALL5("getsockopt TCP_INFO", 1, SYS_getsockopt, client, IPPROTO_TCP, TCP_INFO, at(0), at(512));
  fresh();
  put32(512, 100);
  CALL5("getsockopt unknown", 0, SYS_getsockopt, client, SOL_SOCKET, 9999, at(0), at(512));
  int pair[2];
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  fresh();
  put32(512, 12);
  CALL5("getsockopt SO_PEERCRED", 1, SYS_getsockopt, pair[0], SOL_SOCKET, SO_PEERCRED, at(0),
        at(512));
  fresh();
  put32(512, 0);
  CALL5("getsockopt SO_PEERGROUPS without room", 0, SYS_getsockopt, pair[0], SOL_SOCKET, 59, at(0),
        at(512));
  fresh();
  put32(512, 0);
  CALL5("getsockopt SO_PEERSEC without room", 0, SYS_getsockopt, pair[0], SOL_SOCKET, 31, at(0),
        at(512));

  send(client, "hello, world", 12, 0);
  fresh();
  CALL3("FIONREAD of a socket", 1, SYS_ioctl, server, FIONREAD, at(0));
  fresh();
  put32(256, 128);
  CALL6("recvfrom of a stream", 1, SYS_recvfrom, server, at(0), 5, MSG_PEEK, at(300), at(256));
  fresh();
  putiov(0, 512, 3);
  putiov(16, 600, 100);
  put64(64, at(900));
  put32(72, 64);
  put32(76, 0);
  put64(80, at(0));
  put64(88, 2);
  put64(96, at(1200));
  put64(104, 64);
  put32(112, 0);
  put32(116, 0);
  CALL3("recvmsg of a stream", 1, SYS_recvmsg, server, at(64), 0);

  int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  length = sizeof to;
  must(bind(receiver, (struct sockaddr *)&to, length), "bind");
  getsockname(receiver, (struct sockaddr *)&to, &length);
  int on = 1;
  setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on);
  setsockopt(receiver, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  for (int i = 0; i < 8; i++)
    sendto(sender, "datagram number", 15, 0, (struct sockaddr *)&to, sizeof to);
  fresh();
  put32(256, 128);
  CALL6("recvfrom", 1, SYS_recvfrom, receiver, at(0), 100, 0, at(300), at(256));
  fresh();
  put32(256, 5);
  CALL6("recvfrom cut, little room", 1, SYS_recvfrom, receiver, at(0), 4, MSG_TRUNC, at(300),
        at(256));
  for (int room = 0; room <= 200; room += 100) {
    fresh();
    putiov(0, 512, 3);
    putiov(16, 600, 100);
    put64(64, at(900));
    put32(72, 10);
    put32(76, 0);
    put64(80, at(0));
    put64(88, 2);
    put64(96, at(1200));
    put64(104, room);
    put32(112, 0);
    put32(116, 0);
    CALL3("recvmsg", 1, SYS_recvmsg, receiver, at(64), 0);
  }
  fresh();
  for (int i = 0; i < 4; i++) {
    putiov(i * 16, 1024 + i * 64, 60);
    int message = 128 + i * 64;
    put64(message, at(1536 + i * 32));
    put32(message + 8, 16);
    put32(message + 12, 0);
    put64(message + 16, at(i * 16));
    put64(message + 24, 1);
    put64(message + 32, at(2048 + i * 128));
    put64(message + 40, 128);
    put32(message + 48, 0);
    put32(message + 52, 0);
    put32(message + 56, 0x77777777);
  }
  put64(3000, 1);
  put64(3008, 0);
  CALL5("recvmmsg", 1, SYS_recvmmsg, receiver, at(128), 4, MSG_DONTWAIT, at(3000));
  fresh();
  put64(3000, 0);
  put64(3008, 1000);
  putiov(0, 1024, 60);
  memset(page + 128, 0, 64);
  put64(144, at(0));
  put64(152, 1);
  CALL5("recvmmsg of nothing", 0, SYS_recvmmsg, receiver, at(128), 1, MSG_DONTWAIT, at(3000));
  fresh();
  for (int i = 0; i < 3; i++) {
    putiov(i * 16, 1024 + i * 64, 10 + i);
    memset(page + 128 + i * 64, 0, 64);
    put64(128 + i * 64 + 16, at(i * 16));
    put64(128 + i * 64 + 24, 1);
    memcpy(page + 512, &to, sizeof to);
    put64(128 + i * 64, at(512));
    put32(128 + i * 64 + 8, sizeof to);
  }
  CALL4("sendmmsg", 1, SYS_sendmmsg, sender, at(128), 3, 0);

  // A descriptor in a control message.
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec vector = {"x", 1};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(cmsg), &client, sizeof(int));
  must(sendmsg(pair[0], &message, 0), "sendmsg");
  fresh();
  putiov(0, 512, 3);
  put64(64, 0);
  put32(72, 64);
  put32(76, 0);
  put64(80, at(0));
  put64(88, 1);
  put64(96, at(1200));
  put64(104, 200);
  put32(112, 0);
  put32(116, 0);
  CALL3("recvmsg of a descriptor", 1, SYS_recvmsg, pair[1], at(64), 0);

  fresh();
  put32(0, 400);
  put64(8, at(512));
  CALL3("SIOCGIFCONF", 1, SYS_ioctl, client, SIOCGIFCONF, at(0));
  fresh();
  put32(0, 0);
  put64(8, 0);
  CALL3("SIOCGIFCONF for the size", 1, SYS_ioctl, client, SIOCGIFCONF, at(0));
  static const unsigned requests[] = {SIOCGIFFLAGS,  SIOCGIFADDR,   SIOCGIFNETMASK, SIOCGIFBRDADDR,
                                      SIOCGIFMTU,    SIOCGIFHWADDR, SIOCGIFINDEX,   SIOCGIFMETRIC,
                                      SIOCGIFTXQLEN, SIOCGIFMAP};
  for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
    char label[32];
    snprintf(label, sizeof label, "ifreq %x", requests[i]);
    fresh();
    strcpy((char *)page, "lo");
    CALL3(label, 0, SYS_ioctl, client, requests[i], at(0));
  }
  static const unsigned tools[] = {3, 0xa, 0x14, 0x25, 0x41, 0x4c, 0x3a, 0x1d};
  for (unsigned i = 0; i < sizeof tools / sizeof *tools; i++) {
    char label[32];
    snprintf(label, sizeof label, "ethtool %x", tools[i]);
    fresh();
    strcpy((char *)page, "lo");
    put64(16, at(512));
    put32(512, tools[i]);
    put32(516, 2);
    memset(page + 520, 0, 8);
    if (tools[i] == 0x4c) memset(page + 516, 0, 44);
    CALL3(label, 0, SYS_ioctl, client, 0x8946, at(0));
  }
  fresh();
  CALL3("SIOCATMARK", 1, SYS_ioctl, client, SIOCATMARK, at(0));
  fresh();
  CALL3("SIOCGPGRP", 1, SYS_ioctl, client, SIOCGPGRP, at(0));
  fresh();
  CALL3("SIOCOUTQNSD", 0, SYS_ioctl, client, 0x894b, at(0));
}

static void waiting(void) {
  int ends[2];
  must(pipe(ends), "pipe");
  must(write(ends[1], "x", 1), "write");
  int idle[2];
  must(pipe(idle), "pipe");
  struct timeval second = {1, 5};
  struct timespec nsecond = {1, 5};

  fresh();
  memset(page, 0, 24);
  page[ends[0] / 8] |= 1 << ends[0] % 8;
  memset(page + 64, 0, 24);
  page[64 + ends[1] / 8] |= 1 << ends[1] % 8;
  memcpy(page + 256, &second, 16);
  CALL5("select", 1, SYS_select, 70, at(0), at(64), 0, at(256));
  fresh();
  memset(page, 0, 8);
  page[idle[0] / 8] |= 1 << idle[0] % 8;
  memcpy(page + 256, &second, 16);
  alarm_on();
  CALL5("select interrupted", 2, SYS_select, 64, at(0), 0, 0, at(256));
  fresh();
  memset(page, 0, 8);
  page[idle[0] / 8] |= 1 << idle[0] % 8;
  memset(page + 256, 0, 16);
  CALL5("select without waiting", 1, SYS_select, 64, at(0), 0, 0, at(256));
  fresh();
  memset(page, 0, 24);
  page[ends[0] / 8] |= 1 << ends[0] % 8;
  memcpy(page + 256, &nsecond, 16);
  put64(300, 0);
  put64(308, 8);
  CALL6("pselect6", 1, SYS_pselect6, 10, at(0), 0, 0, at(256), at(300));
  fresh();
  memset(page, 0, 24);
  page[idle[0] / 8] |= 1 << idle[0] % 8;
  memcpy(page + 256, &nsecond, 16);
  alarm_on();
  CALL6("pselect6 interrupted", 2, SYS_pselect6, 10, at(0), 0, 0, at(256), 0);
  fresh();
  put32(0, ends[0]);
  page[4] = POLLIN;
  page[5] = 0;
  put32(8, -1);
  put32(16, idle[0]);
  page[20] = POLLIN;
  page[21] = 0;
  CALL3("poll", 1, SYS_poll, at(0), 3, 100);
  fresh();
  put32(0, idle[0]);
  page[4] = POLLIN;
  page[5] = 0;
  alarm_on();
  CALL3("poll interrupted", 2, SYS_poll, at(0), 1, 1000);
  fresh();
  put32(0, ends[0]);
  page[4] = POLLIN;
  page[5] = 0;
  memcpy(page + 256, &nsecond, 16);
  CALL5("ppoll", 1, SYS_ppoll, at(0), 1, at(256), 0, 8);
  fresh();
  put32(0, idle[0]);
  page[4] = POLLIN;
  page[5] = 0;
  memcpy(page + 256, &nsecond, 16);
  alarm_on();
  CALL5("ppoll interrupted", 2, SYS_ppoll, at(0), 1, at(256), 0, 8);
  int epoll = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {.u64 = 0x1122334455667788}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
  event.events = EPOLLOUT;
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event);
  fresh();
  CALL4("epoll_wait", 1, SYS_epoll_wait, epoll, at(0), 10, 100);
  fresh();
  CALL6("epoll_pwait", 1, SYS_epoll_pwait, epoll, at(0), 1, 100, 0, 8);
  fresh();
  memcpy(page + 256, &nsecond, 16);
  CALL6("epoll_pwait2", 1, 441, epoll, at(0), 10, at(256), 0, 8);
  fresh();
  CALL3("FIONREAD of a pipe", 1, SYS_ioctl, ends[0], FIONREAD, at(0));

  fresh();
  memcpy(page, &nsecond, 16);
  alarm_on();
  CALL2("nanosleep interrupted", 2, SYS_nanosleep, at(0), at(64));
  fresh();
  put64(0, 0);
  put64(8, 1000);
  CALL2("nanosleep", 0, SYS_nanosleep, at(0), at(64));
  fresh();
  memcpy(page, &nsecond, 16);
  alarm_on();
  CALL4("clock_nanosleep interrupted", 2, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, at(0), at(64));

  pid_t child = fork();
  if (child == 0) _exit(7);
  fresh();
  CALL5("waitid WNOWAIT", 1, SYS_waitid, P_ALL, 0, at(0), WEXITED | WNOWAIT, at(256));
  fresh();
  CALL4("wait4", 1, SYS_wait4, -1, at(0), 0, at(64));
  fresh();
  CALL4("wait4 without children", 0, SYS_wait4, -1, at(0), 0, at(64));
  fresh();
  CALL5("waitid without children", 0, SYS_waitid, P_ALL, 0, at(0), WEXITED, at(256));
  child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  fresh();
  CALL4("wait4 WNOHANG", 0, SYS_wait4, -1, at(0), WNOHANG, at(64));
  fresh();
  CALL5("waitid WNOHANG", 1, SYS_waitid, P_ALL, 0, at(0), WEXITED | WNOHANG, at(256));
  kill(child, SIGKILL);
  fresh();
  CALL4("wait4 of a killed child", 1, SYS_wait4, child, at(0), 0, 0);

  fflush(stdout);
  // CLONE_PARENT_SETTID; the child shares nothing and ends at once.
  fresh();
  memcpy(before, page, PAGE);
  long cloned = syscall(SYS_clone, 0x100000 | SIGCHLD, 0, at(0), 0, 0);
  if (cloned == 0) _exit(0);
  memcpy(after, page, PAGE);
  printf(
      "{\"label\":\"clone\",\"wants\":1,\"nr\":56,\"args\":[\"%d\",\"0\",\"%ld\",\"0\",\"0\",\"0\"]"
      ",\"result\":\"%ld\",\"page\":\"%ld\",\"before\":\"",
      0x100000 | SIGCHLD, at(0), cloned, at(0));
  hex(before);
  fputs("\",\"after\":\"", stdout);
  hex(after);
  puts("\"}");
  waitpid(cloned, NULL, 0);
  fflush(stdout);
  fresh();
  memset(page, 0, 88);
  put64(0, 0x100000 | 0x1000);
  put64(8, at(512));
  put64(24, at(600));
  put64(32, SIGCHLD);
  memcpy(before, page, PAGE);
  cloned = syscall(435, at(0), 88);
  if (cloned == 0) _exit(0);
  memcpy(after, page, PAGE);
  if (cloned > 0) {
    printf(
        "{\"label\":\"clone3\",\"wants\":1,\"nr\":435,\"args\":[\"%ld\",\"88\",\"0\",\"0\",\"0\","
        "\"0\"],\"result\":\"%ld\",\"page\":\"%ld\",\"before\":\"",
        at(0), cloned, at(0));
    hex(before);
    fputs("\",\"after\":\"", stdout);
    hex(after);
    puts("\"}");
    waitpid(cloned, NULL, 0);
  }
}

static void clocks(void) {
  fresh();
  CALL1("time", 1, SYS_time, at(0));
  fresh();
  CALL2("gettimeofday", 1, SYS_gettimeofday, at(0), at(64));
  fresh();
  CALL2("clock_gettime", 1, SYS_clock_gettime, CLOCK_REALTIME, at(0));
  fresh();
  CALL2("clock_getres", 1, SYS_clock_getres, CLOCK_REALTIME, at(0));
  fresh();
  CALL2("clock_gettime of no clock", 0, SYS_clock_gettime, 99, at(0));
  fresh();
  memset(page, 0, 208);
  CALL1("adjtimex", 1, SYS_adjtimex, at(0));
  fresh();
  memset(page, 0, 208);
  put32(0, 0x4000);
  put64(88, 1);
  CALL1("adjtimex refused", 0, SYS_adjtimex, at(0));
  fresh();
  memset(page, 0, 208);
  CALL2("clock_adjtime", 1, SYS_clock_adjtime, CLOCK_REALTIME, at(0));
  fresh();
  CALL1("times", 1, SYS_times, at(0));
  fresh();
  CALL2("getitimer", 1, SYS_getitimer, ITIMER_VIRTUAL, at(0));
  fresh();
  memset(page, 0, 32);
  CALL3("setitimer", 1, SYS_setitimer, ITIMER_VIRTUAL, at(0), at(64));
  fresh();
  memset(page + 64, 0, 64);
  put32(64 + 12, SIGEV_NONE);
  CALL3("timer_create", 1, SYS_timer_create, CLOCK_MONOTONIC, at(64), at(0));
  int timer;
  memcpy(&timer, page, 4);
  fresh();
  CALL3("timer_create for no clock", 0, SYS_timer_create, 99, 0, at(0));
  fresh();
  CALL3("timer_create for an alarm clock", 0, SYS_timer_create, 8, 0, at(0));
  fresh();
  memset(page, 0, 32);
  put64(16, 100);
  CALL4("timer_settime", 1, SYS_timer_settime, timer, 0, at(0), at(64));
  fresh();
  CALL2("timer_gettime", 1, SYS_timer_gettime, timer, at(0));
  int fd = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
  fresh();
  memset(page, 0, 32);
  put64(16, 100);
  CALL4("timerfd_settime", 1, SYS_timerfd_settime, fd, 0, at(0), at(64));
  fresh();
  CALL2("timerfd_gettime", 1, SYS_timerfd_gettime, fd, at(0));
}

static void processes(void) {
  fresh();
  CALL2("getrusage", 1, SYS_getrusage, RUSAGE_SELF, at(0));
  fresh();
  CALL2("getrlimit", 1, SYS_getrlimit, RLIMIT_NOFILE, at(0));
  fresh();
  CALL4("prlimit64", 1, SYS_prlimit64, 0, RLIMIT_STACK, 0, at(0));
  fresh();
  CALL1("sysinfo", 1, SYS_sysinfo, at(0));
  fresh();
  CALL1("uname", 1, SYS_uname, at(0));
  fresh();
  CALL3("sched_getaffinity", 1, SYS_sched_getaffinity, 0, 1024, at(0));
  fresh();
  CALL2("sched_getparam", 1, SYS_sched_getparam, 0, at(0));
  fresh();
  CALL4("sched_getattr", 1, SYS_sched_getattr, 0, at(0), 48, 0);
  fresh();
  CALL4("sched_getattr with more room", 1, SYS_sched_getattr, 0, at(0), 200, 0);
  fresh();
  memset(page + 4, 0, 252);
  put32(0, 256);
  page[200] = 1;
  CALL3("sched_setattr too big", 2, SYS_sched_setattr, 0, at(0), 0);
  fresh();
  CALL2("sched_rr_get_interval", 1, SYS_sched_rr_get_interval, 0, at(0));
  fresh();
  CALL3("getcpu", 1, SYS_getcpu, at(0), at(64), at(128));
  fresh();
  CALL3("getresuid", 1, SYS_getresuid, at(0), at(16), at(32));
  fresh();
  CALL3("getresgid", 1, SYS_getresgid, at(0), at(16), at(32));
  gid_t groups[3] = {3, 5, 7};
  syscall(SYS_setgroups, 3, groups);
  fresh();
  CALL2("getgroups", 0, SYS_getgroups, 256, at(0));
  fresh();
  CALL2("getgroups of size 0", 0, SYS_getgroups, 0, at(0));
  fresh();
  put32(0, 0x20080522);
  put32(4, 0);
  CALL2("capget", 1, SYS_capget, at(0), at(64));
  fresh();
  put32(0, 0x19980330);
  put32(4, 0);
  CALL2("capget, version 1", 1, SYS_capget, at(0), at(64));
  fresh();
  put32(0, 0x11111111);
  put32(4, 0);
  CALL2("capget, unknown version", 2, SYS_capget, at(0), at(64));
  fresh();
  put32(0, 0x11111111);
  put32(4, 0);
  CALL2("capset, unknown version", 2, SYS_capset, at(0), at(64));
  fresh();
  CALL3("get_robust_list", 1, SYS_get_robust_list, 0, at(0), at(64));
  fresh();
  CALL3("getrandom", 1, SYS_getrandom, at(0), 33, 0);
  fresh();
  CALL3("syslog", 0, SYS_syslog, 3, at(0), 500);
  fresh();
  CALL3("syslog size", 0, SYS_syslog, 10, 0, 0);
  fresh();
  CALL5("prctl PR_GET_NAME", 1, SYS_prctl, PR_GET_NAME, at(0), 0, 0, 0);
  fresh();
  CALL5("prctl PR_GET_PDEATHSIG", 1, SYS_prctl, PR_GET_PDEATHSIG, at(0), 0, 0, 0);
  fresh();
  CALL5("prctl PR_GET_TSC", 1, SYS_prctl, 25, at(0), 0, 0, 0);
  fresh();
  CALL5("prctl PR_GET_CHILD_SUBREAPER", 1, SYS_prctl, 37, at(0), 0, 0, 0);
  fresh();
  CALL5("prctl PR_GET_TID_ADDRESS", 0, SYS_prctl, 40, at(0), 0, 0, 0);
  fresh();
  CALL5("prctl PR_GET_AUXV", 0, SYS_prctl, 0x41555856, at(0), 1000, 0, 0);
  fresh();
  CALL5("prctl PR_GET_AUXV cut", 0, SYS_prctl, 0x41555856, at(0), 100, 0, 0);
  fresh();
  CALL5("prctl PR_SET_MM_MAP_SIZE", 0, SYS_prctl, 35, 15, at(0), 0, 0);
  fresh();
  CALL5("prctl PR_SCHED_CORE_GET", 0, SYS_prctl, 62, 0, 0, 0, at(0));
  fresh();
  CALL5("prctl PR_GET_DUMPABLE", 0, SYS_prctl, PR_GET_DUMPABLE, at(0), at(64), at(128), at(192));
  fresh();
  CALL2("arch_prctl ARCH_GET_FS", 1, SYS_arch_prctl, 0x1003, at(0));
  fresh();
  CALL2("arch_prctl ARCH_GET_GS", 1, SYS_arch_prctl, 0x1004, at(0));
  fresh();
  CALL2("arch_prctl ARCH_GET_XCOMP_SUPP", 0, SYS_arch_prctl, 0x1021, at(0));
  fresh();
  CALL2("arch_prctl ARCH_GET_XCOMP_PERM", 0, SYS_arch_prctl, 0x1022, at(0));
  fresh();
  putiov(0, 256, 10);
  putiov(16, 300, 10);
  putiov(64, 1000, 4);
  putiov(80, 1100, 9);
  memset(page + 1000, 0x77, 200);
  CALL6("process_vm_readv", 1, SYS_process_vm_readv, getpid(), at(0), 2, at(64), 2, 0);

  fresh();
  put64(64, 0);
  put32(0, 5);
  CALL6("futex WAKE_OP", 1, SYS_futex, at(64), FUTEX_WAKE_OP, 1, 1, at(0),
        FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0));
  fresh();
  put32(0, 0);
  CALL6("futex LOCK_PI", 1, SYS_futex, at(0), FUTEX_LOCK_PI, 0, 0, at(256), 0);
  CALL6("futex UNLOCK_PI", 1, SYS_futex, at(0), FUTEX_UNLOCK_PI, 0, 0, at(256), 0);
  fresh();
  put32(0, 0);
  CALL6("futex TRYLOCK_PI", 1, SYS_futex, at(0), FUTEX_TRYLOCK_PI, 0, 0, at(256), 0);
  fresh();
  put32(0, 7);
  CALL6("futex WAIT", 0, SYS_futex, at(0), FUTEX_WAIT, 8, 0, at(256), 0);
  fresh();
  CALL6("futex WAKE", 0, SYS_futex, at(0), FUTEX_WAKE, 8, at(64), at(256), 0);

  fresh();
  put32(64, 100);
  CALL3("lsm_list_modules", 0, 461, at(0), at(64), 0);
  fresh();
  put32(64, 3);
  CALL3("lsm_list_modules without room", 0, 461, at(0), at(64), 0);
  fresh();
  put32(512, 400);
  CALL4("lsm_get_self_attr", 0, 459, 100, at(0), at(512), 0);
  long key = syscall(SYS_add_key, "user", "tracelog-test", "payload", 7, -2);
  if (key >= 0) {
    fresh();
    CALL5("keyctl READ", 1, SYS_keyctl, 11, key, at(0), 100, 0);
    fresh();
    CALL5("keyctl READ cut", 0, SYS_keyctl, 11, key, at(0), 3, 0);
    fresh();
    CALL5("keyctl DESCRIBE", 1, SYS_keyctl, 6, key, at(0), 200, 0);
    fresh();
    CALL5("keyctl GET_SECURITY", 0, SYS_keyctl, 17, key, at(0), 200, 0);
    syscall(SYS_keyctl, 3, key);
  }
  fresh();
  CALL5("keyctl CAPABILITIES", 0, SYS_keyctl, 31, at(0), 50, 0, 0);
}

static void signals(void) {
  fresh();
  CALL4("rt_sigaction", 1, SYS_rt_sigaction, SIGUSR1, 0, at(0), 8);
  fresh();
  CALL4("rt_sigprocmask", 1, SYS_rt_sigprocmask, SIG_BLOCK, 0, at(0), 8);
  fresh();
  put64(64, 1UL << (SIGUSR2 - 1));
  CALL4("rt_sigprocmask that blocks", 1, SYS_rt_sigprocmask, SIG_BLOCK, at(64), at(0), 8);
  kill(getpid(), SIGUSR2);
  fresh();
  CALL2("rt_sigpending", 1, SYS_rt_sigpending, at(0), 8);
  fresh();
  put64(512, 1UL << (SIGUSR2 - 1));
  put64(600, 1);
  put64(608, 0);
  CALL4("rt_sigtimedwait", 1, SYS_rt_sigtimedwait, at(512), at(0), at(600), 8);
  fresh();
  put64(512, 1UL << (SIGUSR2 - 1));
  put64(600, 0);
  put64(608, 0);
  CALL4("rt_sigtimedwait in vain", 0, SYS_rt_sigtimedwait, at(512), at(0), at(600), 8);
  fresh();
  CALL2("sigaltstack", 1, SYS_sigaltstack, 0, at(0));
}

static void memory(void) {
  unsigned char *three =
      mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  three[0] = 1;
  fresh();
  CALL3("mincore", 1, SYS_mincore, three, 2 * PAGE + 1, at(0));
  munmap(three + 2 * PAGE, PAGE);
  fresh();
  CALL3("mincore into a hole", 0, SYS_mincore, three, 3 * PAGE, at(0));
  fresh();
  CALL5("get_mempolicy", 0, SYS_get_mempolicy, at(0), at(64), 1025, 0, 0);
  fresh();
  put64(0, (long)three);
  put64(8, (long)(three + PAGE));
  CALL6("move_pages", 0, SYS_move_pages, 0, 2, at(0), 0, at(64), 0);
}

static void ipc(void) {
  int shm = syscall(SYS_shmget, 0, 4096, 01600);
  if (shm >= 0) {
    fresh();
    CALL3("shmctl IPC_STAT", 1, SYS_shmctl, shm, 2, at(0));
    fresh();
    CALL3("shmctl IPC_INFO", 1, SYS_shmctl, 0, 3, at(0));
    fresh();
    CALL3("shmctl SHM_INFO", 1, SYS_shmctl, 0, 14, at(0));
    syscall(SYS_shmctl, shm, 0, 0);
  }
  int sem = syscall(SYS_semget, 0, 5, 01600);
  if (sem >= 0) {
    fresh();
    CALL4("semctl IPC_STAT", 1, SYS_semctl, sem, 0, 2, at(0));
    fresh();
    CALL4("semctl IPC_INFO", 1, SYS_semctl, 0, 0, 3, at(0));
    fresh();
    CALL4("semctl SEM_INFO", 1, SYS_semctl, 0, 0, 19, at(0));
    fresh();
    CALL4("semctl GETALL", 1, SYS_semctl, sem, 0, 13, at(0));
    fresh();
    CALL4("semctl GETVAL", 0, SYS_semctl, sem, 0, 12, at(0));
    syscall(SYS_semctl, sem, 0, 0, 0);
  }
  int msg = syscall(SYS_msgget, 0, 01600);
  if (msg >= 0) {
    struct {
      long type;
      char text[20];
    } message = {3, "a message"};
    syscall(SYS_msgsnd, msg, &message, 10, 0);
    fresh();
    CALL3("msgctl IPC_STAT", 1, SYS_msgctl, msg, 2, at(0));
    fresh();
    CALL3("msgctl IPC_INFO", 1, SYS_msgctl, 0, 3, at(0));
    fresh();
    CALL3("msgctl MSG_INFO", 1, SYS_msgctl, 0, 12, at(0));
    fresh();
    CALL5("msgrcv", 1, SYS_msgrcv, msg, at(0), 100, 0, 0);
    fresh();
    CALL5("msgrcv of nothing", 0, SYS_msgrcv, msg, at(0), 100, 0, 04000);
    syscall(SYS_msgctl, msg, 0, 0);
  }
  long attributes[8] = {0, 4, 64, 0};
  char name[32];
  snprintf(name, sizeof name, "tracelog-%d", getpid());
  int queue = syscall(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, attributes);
  if (queue >= 0) {
    syscall(SYS_mq_unlink, name);
    syscall(SYS_mq_timedsend, queue, "a message", 9, 5, 0);
    fresh();
    CALL3("mq_getsetattr", 1, SYS_mq_getsetattr, queue, 0, at(0));
    fresh();
    CALL5("mq_timedreceive", 1, SYS_mq_timedreceive, queue, at(0), 64, at(128), 0);
  }
}

int main(void) {
  // A page with nothing around it: a wild store would crash.
  unsigned char *area = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) fail("mmap");
  page = area + PAGE;
  if (mprotect(page, PAGE, PROT_READ | PROT_WRITE) < 0) fail("mprotect");
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  static const int patterns[] = {0xa5, 0x3c};
  for (int i = 0; i < 2; i++) {
    pattern = patterns[i];
    for (int fd = 3; fd < 256; fd++) close(fd);
    files();
    terminals();
    sockets();
    waiting();
    clocks();
    processes();
    signals();
    memory();
    ipc();
  }
  return made > 300 ? 0 : 1;
}
