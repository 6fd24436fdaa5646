/*
 * Random system calls: fuzz SEED STEPS. Two runs with one seed make the same calls and print the same sums, whatever
 * records them: times, process ids, inode numbers and addresses are left out of the sums. Nothing here waits.
 *
 * Buffers are sometimes NULL, a kernel address, or end in a hole; descriptors are sometimes not open, or of the wrong kind.
 */
#include "../guests/guest_tasks.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

enum { FDS = 64, KEPT_FDS = 100, ROOM = 4 * 4096, MAPPINGS = 8, LINES = 20 };

static uint32_t state;
static char *room;   /* ROOM bytes, then a hole */
static char *opaque; /* a page for what differs from run to run, then a hole */
static int generation;
static int shares; /* descriptors with its parent, whose mappings need theirs */
static volatile uint32_t signals;

static uint32_t next(void) {
  state += 0x9e3779b9;
  uint32_t mixed = state;
  mixed = (mixed ^ (mixed >> 16)) * 0x85ebca6b;
  mixed = (mixed ^ (mixed >> 13)) * 0xc2b2ae35;
  return mixed ^ (mixed >> 16);
}

static uint32_t below(uint32_t end) { return next() % end; }
static int one_in(uint32_t count) { return below(count) == 0; }

static long pick(int count, const long *choices) { return choices[below((uint32_t)count)]; }
#define PICK(...)                                                                                                      \
  pick((int)(sizeof((const long[]){__VA_ARGS__}) / sizeof(long)), (const long[]){__VA_ARGS__})

/* What is shown is the result: an address is only told to be one. */
static long call(long nr, long a, long b, long c, long d, long e, long f) {
  long result = raw_syscall(nr, a, b, c, d, e, f);
  if (getenv("FUZZ_TRACE") != NULL)
    fprintf(stderr, "%ld(%lx, %lx, %lx, %lx) = %ld\n", nr, a, b, c, d, result);
  const long shown = result > 0xffffffffL ? 1 : result;
  MIX(nr);
  MIX(shown);
  return result;
}
#define CALL3(nr, a, b, c) call(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL6(nr, a, b, c, d, e, f) call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* A buffer for `size` bytes in `area` of `length` bytes; `whole`: with all of them there, if it is there at all. */
static char *buffer(char *area, size_t length, size_t size, int whole) {
  switch (below(16)) {
    case 0:
      return (char *)PICK(0, -4096, 0x1000);
    case 1:
      return area + length + below(64);
    case 2:
      return area + length - (whole || size == 0 ? size : below((uint32_t)size));
    default:
      return area + (size < length ? below((uint32_t)(length - size)) : 0);
  }
}

static char *bytes(size_t size) { return buffer(room, ROOM, size, 1); }
static char *hidden(size_t size) { return buffer(opaque, 4096, size, 1); }

/* A path of one of a few files and directories, or one that is none. */
static const char *path(void) {
  static char text[5000];
  switch (below(16)) {
    case 0:
      return (const char *)PICK(0, -1, 0x1000);
    case 1:
      return "";
    case 2:
      memset(text, 'x', 4500);
      text[4500] = '\0';
      return text;
    case 3:
      return "none/such";
    case 4:
    case 5:
      snprintf(text, sizeof(text), "d%u", below(3));
      return text;
    case 6:
      snprintf(text, sizeof(text), "d%u/n%u", below(3), below(3));
      return text;
    case 7:
      /* At the end of what is there. */
      memcpy(room + ROOM - 3, "n1", 3);
      return room + ROOM - 3;
    default:
      snprintf(text, sizeof(text), "n%u", below(6));
      return text;
  }
}

static int fd(void) {
  if (one_in(12))
    return (int)PICK(-1, AT_FDCWD, 70, 1 << 20);
  return 3 + (int)below(24);
}

static size_t size(void) { return one_in(8) ? (size_t)PICK(0, 1, 4095, 4096, 4097, ROOM) : below(300); }

static void fill(void) {
  const uint32_t at = below(ROOM - 256);
  for (uint32_t i = 0; i < 256; i++)
    room[at + i] = (char)next();
}

static void on_signal(int number) { signals = signals * 31 + (uint32_t)number; }

/* All of it there: what is stored before memory that is there, but not to be written to, is one of README's limits. */
static struct iovec *vector(int count) {
  static struct iovec list[8];
  for (int i = 0; i < count; i++) {
    list[i].iov_len = size() % 2000;
    list[i].iov_base = one_in(16) ? NULL : room + below(ROOM - 2000);
  }
  return list;
}

/* A descriptor of a file, or -1. Locks of eventfds and their like meet those of the whole system's: they are one inode. */
static int regular(void) {
  struct stat stat;
  const int chosen = fd();
  return fstat(chosen, &stat) == 0 && S_ISREG(stat.st_mode) ? chosen : -1;
}

static void files(void) {
  switch (below(24)) {
    case 0:
    case 1:
    case 2: {
      const long flags = PICK(O_RDONLY, O_WRONLY, O_RDWR, O_RDWR) | PICK(0, O_CREAT, O_CREAT, O_CREAT | O_EXCL) |
                         PICK(0, 0, O_TRUNC, O_APPEND, O_CLOEXEC, O_DIRECTORY, O_PATH);
      if (one_in(2))
        CALL6(SYS_openat, one_in(4) ? fd() : AT_FDCWD, path(), flags | O_NONBLOCK, 0644, 0, 0);
      else
        CALL3(SYS_open, path(), flags | O_NONBLOCK, 0644);
      break;
    }
    case 3:
      CALL3(SYS_mkdir, path(), 0755, 0);
      break;
    case 4:
      CALL3(one_in(3) ? SYS_rmdir : SYS_unlink, path(), 0, 0);
      break;
    case 5: {
      char from[16];
      snprintf(from, sizeof(from), "n%u", below(6));
      CALL3(PICK(SYS_rename, SYS_link, SYS_symlink), from, path(), 0);
      break;
    }
    case 6:
      CALL3(SYS_readlink, path(), bytes(64), size() % 64);
      break;
    case 7: {
      struct stat *stat = (struct stat *)hidden(sizeof(struct stat));
      const long result =
          one_in(2) ? CALL3(SYS_fstat, fd(), stat, 0) : CALL3(one_in(2) ? SYS_stat : SYS_lstat, path(), stat, 0);
      if (result == 0)
        MIX(stat->st_mode), MIX(stat->st_nlink);
      break;
    }
    case 8: {
      struct statx *stat = (struct statx *)hidden(sizeof(struct statx));
      if (CALL6(SYS_statx, AT_FDCWD, path(), PICK(0, AT_SYMLINK_NOFOLLOW), 0x7ff, stat, 0) == 0)
        MIX(stat->stx_mode), MIX(stat->stx_uid);
      break;
    }
    case 9:
      CALL3(SYS_access, path(), below(8), 0);
      break;
    case 10:
      CALL3(SYS_lseek, fd(), PICK(0, 1, -1, 5000), below(6));
      break;
    case 11:
      CALL3(SYS_ftruncate, fd(), PICK(0, 1, 3000, 9000, -1), 0);
      break;
    case 12:
      CALL3(SYS_truncate, path(), PICK(0, 7, 5000), 0);
      break;
    case 13:
      CALL3(SYS_getdents64, fd(), opaque, PICK(10, 40, 4096));
      break;
    case 14:
      CALL6(SYS_fallocate, fd(), PICK(0, 1, 3), below(5000), below(5000), 0, 0);
      break;
    case 15: {
      const int locked = regular();
      CALL3(SYS_flock, locked, LOCK_NB | PICK(LOCK_SH, LOCK_EX, LOCK_UN), 0);
      break;
    }
    case 16:
      CALL6(SYS_sendfile, fd(), fd(), one_in(2) ? bytes(8) : NULL, size(), 0, 0);
      break;
    case 17:
      CALL6(SYS_copy_file_range, fd(), NULL, fd(), NULL, size(), 0);
      break;
    case 18:
      CALL6(SYS_splice, fd(), NULL, fd(), NULL, size(), 2);
      break;
    case 19:
      CALL6(one_in(2) ? SYS_fsetxattr : SYS_fgetxattr, fd(), "user.fuzz", bytes(40), below(40), 0, 0);
      break;
    case 20:
      CALL3(SYS_fsync, fd(), 0, 0);
      break;
    case 21:
      CALL3(SYS_chmod, path(), PICK(0644, 0755, 0600), 0);
      break;
    case 22: {
      const int locked = regular();
      struct flock lock = {.l_type = (short)PICK(F_RDLCK, F_WRLCK, F_UNLCK), .l_len = below(100)};
      CALL3(SYS_fcntl, locked, PICK(F_SETLK, F_OFD_SETLK), &lock);
      break;
    }
    default:
      CALL3(SYS_umask, 022, 0, 0);
  }
}

static void transfers(void) {
  const size_t length = size();
  const int count = (int)below(6);
  switch (below(9)) {
    case 0:
    case 1:
      CALL3(SYS_read, fd(), bytes(length), length);
      break;
    case 2:
    case 3:
      CALL3(SYS_write, fd(), bytes(length), length);
      break;
    case 4:
      CALL6(SYS_pread64, fd(), bytes(length), length, below(6000), 0, 0);
      break;
    case 5:
      CALL6(SYS_pwrite64, fd(), bytes(length), length, below(6000), 0, 0);
      break;
    case 6:
      CALL3(SYS_readv, fd(), vector(count), count);
      break;
    case 7:
      CALL3(SYS_writev, fd(), vector(count), count);
      break;
    default:
      CALL6(one_in(2) ? SYS_preadv : SYS_pwritev, fd(), vector(count), count, below(3000), 0, 0);
  }
}

static void descriptors(void) {
  switch (below(12)) {
    case 0:
    case 1:
      CALL3(SYS_close, fd(), 0, 0);
      break;
    case 2:
      CALL3(SYS_dup, fd(), 0, 0);
      break;
    case 3:
      CALL3(SYS_dup2, fd(), 3 + below(24), 0);
      break;
    case 4:
      CALL3(SYS_dup3, fd(), 3 + below(24), PICK(0, O_CLOEXEC, 1));
      break;
    case 5:
      CALL3(SYS_fcntl, fd(), PICK(F_DUPFD, F_DUPFD_CLOEXEC), PICK(3, 10, -1, 1000));
      break;
    case 6:
      CALL3(SYS_fcntl, fd(), PICK(F_GETFD, F_GETFL, F_GETPIPE_SZ), 0);
      break;
    case 7:
      CALL3(SYS_fcntl, fd(), F_SETFL, O_NONBLOCK | PICK(0, O_APPEND));
      break;
    case 8:
      CALL3(SYS_pipe2, bytes(8), O_NONBLOCK | PICK(0, O_CLOEXEC), 0);
      break;
    case 9:
      CALL3(SYS_eventfd2, below(5), EFD_NONBLOCK | PICK(0, EFD_SEMAPHORE), 0);
      break;
    case 10:
      CALL3(SYS_memfd_create, "fuzz", PICK(0, 1, 2, 64), 0);
      break;
    default:
      CALL3(SYS_ioctl, fd(), PICK(0x541b /* FIONREAD */, 0x5401 /* TCGETS */, 0x5451 /* FIOCLEX */), bytes(64));
  }
}

static struct msghdr *message(void) {
  static struct msghdr header;
  static char control[64];
  const int count = (int)below(4);
  memset(&header, 0, sizeof(header));
  header.msg_iov = vector(count);
  header.msg_iovlen = (size_t)count;
  struct stat stat;
  const int passed = fd();
  /* Sockets on their way in sockets are collected by a thread of the kernel, when it likes to. */
  if (one_in(3) && (fstat(passed, &stat) != 0 || !S_ISSOCK(stat.st_mode))) {
    struct cmsghdr *part = (struct cmsghdr *)control;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(part), &passed, sizeof(passed));
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int));
  }
  return &header;
}

static void sockets(void) {
  const size_t length = size();
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "s%u", below(3));
  switch (below(12)) {
    case 0:
      CALL6(SYS_socketpair, AF_UNIX, PICK(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET) | SOCK_NONBLOCK, 0, bytes(8), 0, 0);
      break;
    case 1:
      CALL3(SYS_socket, AF_UNIX, PICK(SOCK_STREAM, SOCK_DGRAM) | SOCK_NONBLOCK, 0);
      break;
    case 2:
      CALL3(PICK(SYS_bind, SYS_connect), fd(), &address, sizeof(address));
      break;
    case 3:
      CALL3(SYS_listen, fd(), 3, 0);
      break;
    case 4:
      CALL6(SYS_accept4, fd(), NULL, NULL, SOCK_NONBLOCK, 0, 0);
      break;
    case 5:
    case 6:
      CALL6(SYS_sendto, fd(), bytes(length), length, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
      break;
    case 7: {
      socklen_t room_for = sizeof(address);
      const int named = one_in(2);
      CALL6(SYS_recvfrom, fd(), bytes(length), length, MSG_DONTWAIT | PICK(0, MSG_PEEK, MSG_TRUNC),
            named ? &address : NULL, named ? &room_for : NULL);
      if (named)
        MIX(room_for);
      break;
    }
    case 8:
      CALL3(SYS_sendmsg, fd(), message(), MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case 9: {
      struct msghdr *header = message();
      CALL3(SYS_recvmsg, fd(), header, MSG_DONTWAIT | PICK(0, MSG_PEEK));
      MIX(header->msg_flags);
      MIX(header->msg_controllen);
      break;
    }
    case 10: {
      int value = 1;
      socklen_t room_for = sizeof(value);
      if (one_in(2))
        CALL6(SYS_setsockopt, fd(), SOL_SOCKET, PICK(SO_PASSCRED, SO_KEEPALIVE, 999), &value, sizeof(value), 0);
      else if (CALL6(SYS_getsockopt, fd(), SOL_SOCKET, PICK(SO_TYPE, SO_ACCEPTCONN, SO_ERROR, 999), &value, &room_for,
                     0) == 0)
        MIX(value);
      break;
    }
    default:
      CALL3(SYS_shutdown, fd(), below(4), 0);
  }
}

/* A time limit, or a pointer to nowhere; never none: that waits for ever. What is left of it differs from run to run. */
static void *limit(long part) {
  char *at = hidden(16);
  if (at == NULL)
    at = opaque;
  if (at >= opaque && at <= opaque + 4096 - 16)
    memcpy(at, (const long[]){(long)PICK(0, 0, 0, 0, 0, -1), part}, 16);
  return at;
}

/* Calls that wait, but not for long: what nobody makes ready meanwhile stays so. */
static void waiting(void) {
  const long part = PICK(0, 1, 20, 20, 1000000000, -1);
  sigset_t mask;
  sigfillset(&mask);
  switch (below(6)) {
    case 0:
      CALL3(SYS_nanosleep, limit(part), hidden(16), 0);
      break;
    case 1:
      CALL6(SYS_clock_nanosleep, PICK(0, 1, 3, 99), PICK(0, 1), limit(part), hidden(16), 0, 0);
      break;
    case 2:
    case 3: {
      fd_set sets[2];
      const struct {
        void *mask;
        size_t size;
      } pair = {one_in(3) ? bytes(8) : (char *)(one_in(2) ? &mask : NULL), (size_t)PICK(8, 8, 8, 0, 4)};
      memset(sets, 0, sizeof(sets));
      for (int i = 0; i < 4; i++)
        FD_SET(3 + below(24), &sets[i & 1]);
      /* Its time limit has microseconds, and may have more than a second's. */
      if (one_in(2))
        CALL6(SYS_select, 30, &sets[0], &sets[1], one_in(8) ? bytes(8) : NULL, limit(part % 1000000000), 0);
      else
        CALL6(SYS_pselect6, 30, &sets[0], &sets[1], NULL, limit(part), one_in(3) ? NULL : &pair);
      MIX(sets);
      break;
    }
    default: {
      struct pollfd list[5];
      for (int i = 0; i < 5; i++)
        list[i] = (struct pollfd){.fd = fd(), .events = (short)PICK(POLLIN, POLLOUT), .revents = (short)next()};
      CALL6(SYS_ppoll, list, 1 + below(5), limit(part), one_in(2) ? &mask : NULL, PICK(8, 8, 8, 4), 0);
      MIX(list);
    }
  }
}

static void readiness(void) {
  switch (below(6)) {
    case 5:
      waiting();
      break;
    case 0: {
      struct pollfd list[5];
      for (int i = 0; i < 5; i++)
        list[i] = (struct pollfd){.fd = fd(), .events = (short)PICK(POLLIN, POLLOUT, POLLIN | POLLOUT), .revents = 0};
      const struct timespec none = {0};
      if (one_in(2))
        CALL3(SYS_poll, list, 1 + below(5), 0);
      else
        CALL6(SYS_ppoll, list, 1 + below(5), &none, NULL, 8, 0);
      for (int i = 0; i < 5; i++)
        MIX(list[i].revents);
      break;
    }
    case 1:
      CALL3(SYS_epoll_create1, PICK(0, EPOLL_CLOEXEC), 0, 0);
      break;
    case 2: {
      struct epoll_event event = {.events = (uint32_t)PICK(EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLET), .data = {.u32 = next()}};
      CALL6(SYS_epoll_ctl, fd(), 1 + below(3), fd(), one_in(9) ? NULL : &event, 0, 0);
      break;
    }
    case 3:
      CALL6(SYS_epoll_wait, fd(), bytes(36), below(4), 0, 0, 0);
      break;
    default: {
      fd_set set;
      struct timeval none = {0};
      FD_ZERO(&set);
      for (int i = 0; i < 4; i++)
        FD_SET(3 + below(24), &set);
      CALL6(SYS_select, 30, &set, NULL, NULL, &none, 0);
      MIX(set);
    }
  }
}

static struct {
  char *at;
  size_t size;
  size_t backed; /* of a mapping without a file: shared memory does not grow with it */
  int prot, file;
} mappings[MAPPINGS];

static void unmap(int i) {
  CALL3(SYS_munmap, mappings[i].at, mappings[i].size, 0);
  if (mappings[i].file >= 0)
    CALL3(SYS_close, mappings[i].file, 0, 0);
  mappings[i].at = NULL;
}

/* Bytes of a mapping that can be touched: what stands behind a file's end, the kernel clears when it likes to. */
static size_t there(int i) {
  struct stat stat;
  size_t backed = mappings[i].backed;
  if (mappings[i].file >= 0) {
    CHECK_SYS(fstat(mappings[i].file, &stat));
    backed = (size_t)stat.st_size;
  }
  return backed < mappings[i].size ? backed : mappings[i].size;
}

static void memory(void) {
  const int i = (int)below(MAPPINGS);
  if (mappings[i].at == NULL) {
    const int shared = (int)PICK(MAP_SHARED, MAP_PRIVATE);
    const size_t length = 4096 * (1 + below(6));
    int file = one_in(2) ? fcntl(fd(), F_DUPFD, KEPT_FDS) : -1;
    /* What is changed for the first time after it has been mapped is one of README's limits. */
    if (file >= 0 && (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY) {
      close(file);
      return;
    }
    long at = CALL6(SYS_mmap, 0, length, PROT_READ | PROT_WRITE, shared | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
    if (at < 0 && file >= 0)
      close(file);
    if (at < 0)
      return;
    mappings[i].at = (char *)at;
    mappings[i].size = length;
    mappings[i].backed = shared == MAP_SHARED ? length : SIZE_MAX;
    mappings[i].prot = PROT_READ | PROT_WRITE;
    mappings[i].file = file;
    return;
  }
  char *at = mappings[i].at;
  switch (below(8)) {
    case 0:
      unmap(i);
      break;
    case 1:
      if (CALL3(SYS_mprotect, at, mappings[i].size, PROT_READ) == 0)
        mappings[i].prot = PROT_READ;
      break;
    case 2:
      if (CALL3(SYS_mprotect, at, mappings[i].size, PROT_READ | PROT_WRITE) == 0)
        mappings[i].prot = PROT_READ | PROT_WRITE;
      break;
    case 3:
      CALL3(SYS_madvise, at, mappings[i].size, PICK(MADV_DONTNEED, MADV_WILLNEED, 4, 12345));
      break;
    case 4:
      CALL3(SYS_msync, at, mappings[i].size, MS_SYNC);
      break;
    case 5: {
      const size_t length = 4096 * (1 + below(8));
      const long moved = CALL6(SYS_mremap, at, mappings[i].size, length, MREMAP_MAYMOVE, 0, 0);
      if (moved >= 0 || moved < -4095) {
        mappings[i].at = (char *)moved;
        mappings[i].size = length;
      }
      break;
    }
    default: {
      const size_t size = there(i);
      mix(at, size);
      if (size > 0 && (mappings[i].prot & PROT_WRITE) != 0)
        for (int k = 0; k < 10; k++)
          at[below((uint32_t)size)] = (char)next();
    }
  }
}

static void processes(void);

static void signal_calls(void) {
  const int number = (int)PICK(SIGUSR1, SIGUSR2, SIGRTMIN + 1);
  switch (below(6)) {
    case 0: {
      struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)PICK(0, SA_RESTART, SA_NODEFER, SA_ONSTACK)};
      if (one_in(4))
        action.sa_handler = SIG_IGN;
      CHECK_SYS(sigaction(number, &action, NULL));
      break;
    }
    case 1: {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, number);
      CALL6(SYS_rt_sigprocmask, PICK(SIG_BLOCK, SIG_UNBLOCK, 7), &set, bytes(8), 8, 0, 0);
      break;
    }
    case 2:
      CALL3(SYS_rt_sigpending, bytes(8), 8, 0);
      break;
    case 3:
      raise(number);
      break;
    case 4:
      kill(getpid(), number);
      break;
    default:
      CALL3(SYS_tgkill, getpid(), getpid(), number);
  }
  const uint32_t seen = signals;
  MIX(seen);
}

static void others(void) {
  static uint32_t word;
  switch (below(9)) {
    case 0: {
      struct utsname *name = (struct utsname *)hidden(sizeof(struct utsname));
      CALL3(SYS_uname, name, 0, 0);
      break;
    }
    case 1:
      CALL6(SYS_futex, &word, 128 | PICK(0, 1, 9, 10), 7, NULL, NULL, 1);
      break;
    case 2:
      CALL3(SYS_getrandom, hidden(200), size() % 200, 0);
      break;
    case 3: {
      struct rlimit limit;
      if (CALL6(SYS_prlimit64, 0, PICK(RLIMIT_NOFILE, RLIMIT_CORE, 99), NULL, &limit, 0, 0) == 0)
        MIX(limit);
      break;
    }
    case 4:
      CALL3(SYS_sched_yield, 0, 0, 0);
      break;
    case 5:
      CALL3(SYS_clock_gettime, PICK(0, 1, 4, 99), hidden(16), 0);
      break;
    case 6:
      CALL3(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK, 0);
      break;
    case 7:
      CALL3(SYS_prctl, PICK(PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, 12345), 0, 0);
      break;
    default:
      CALL3(SYS_statfs, path(), hidden(sizeof(struct statfs)), 0);
  }
}

static void step(void) {
  if (one_in(5))
    fill();
  switch (below(40)) {
    case 0:
      if (generation < 2)
        processes();
      break;
    case 1:
    case 2:
    case 3:
      others();
      break;
    case 4:
    case 5:
    case 6:
      signal_calls();
      break;
    case 7:
    case 8:
    case 9:
    case 10:
      if (!shares)
        memory();
      break;
    case 11:
    case 12:
    case 13:
    case 14:
      readiness();
      break;
    case 15: {
      const int locked = regular();
      CALL3(SYS_flock, locked, LOCK_NB | PICK(LOCK_SH, LOCK_EX, LOCK_UN), 0);
      break;
    }
    case 16:
    case 17:
    case 18:
    case 19:
      sockets();
      break;
    case 20:
    case 21:
    case 22:
    case 23:
    case 24:
    case 25:
      descriptors();
      break;
    case 26:
    case 27:
    case 28:
    case 29:
    case 30:
    case 31:
      files();
      break;
    default:
      transfers();
  }
  mix(room, ROOM);
}

/* A child that goes its own way from here; what it shares with its parent it changes while that waits. */
static void processes(void) {
  const int share = one_in(3);
  const pid_t child = share ? (pid_t)raw_syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0, 0) : fork();
  CHECK(child >= 0);
  if (child == 0) {
    generation++;
    shares |= share;
    for (uint32_t steps = 5 + below(40); steps > 0; steps--)
      step();
    _exit((int)(guest_sum & 0x3f));
  }
  int status;
  CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child);
  MIX(status);
}

static char *with_hole(size_t size) {
  char *at = CHECK_SYS(mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(mprotect(at + size, 4096, PROT_NONE));
  return at;
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  const int steps = atoi(argv[2]);
  state = (uint32_t)strtoul(argv[1], NULL, 10);
  for (int i = 0; i < 4; i++)
    next();
  room = with_hole(ROOM);
  opaque = with_hole(4096);
  static char alternate[65536];
  const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
  CHECK_SYS(sigaltstack(&stack, NULL));
  signal(SIGPIPE, SIG_IGN);
  signal(SIGUSR1, on_signal);
  signal(SIGUSR2, on_signal);
  signal(SIGRTMIN + 1, on_signal);
  /* Whatever was left open for us, from here on numbers are the same every time. */
  CHECK_SYS(raw_syscall(SYS_close_range, 3, ~0U, 0, 0, 0, 0));
  const struct rlimit limit = {.rlim_cur = KEPT_FDS + 30, .rlim_max = KEPT_FDS + 30};
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  for (int i = 0; i < steps; i++) {
    step();
    if ((i + 1) % (steps / LINES + 1) == 0)
      printf("%d %016llx\n", i + 1, (unsigned long long)guest_sum);
  }
  printf("fuzz ok %016llx\n", (unsigned long long)guest_sum);
  return 0;
}
