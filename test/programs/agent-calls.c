/* Makes the calls that the agent makes by itself, each a few times in forms that the recorder tells apart. Ends with 7. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void on_signal(int signo) { got += signo; }

static void need(int ok, int line) {
  if (ok)
    return;
  fprintf(stderr, "line %d\n", line);
  exit(1);
}
#define NEED(ok) need((ok) != 0, __LINE__)

static void files(void) {
  char text[64] = "some text", other[32];
  struct iovec parts[3] = {{text, 4}, {NULL, 0}, {text + 4, 5}};
  struct iovec places[2] = {{other, 3}, {other + 8, 20}};
  int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
  int copy = open("copy", O_WRONLY | O_CREAT, 0600);
  NEED(file >= 0 && copy >= 0);
  NEED(write(file, text, 9) == 9);
  NEED(writev(file, parts, 3) == 9);
  NEED(pwritev(file, parts, 3, 2) == 9);
  NEED(pwritev(file, parts, 1, 30) == 4);
  NEED(preadv(file, places, 2, 1) == 23);
  NEED(lseek(file, 0, SEEK_SET) == 0);
  NEED(readv(file, places, 2) == 23);
  NEED(ftruncate(file, 20) == 0);
  NEED(lseek(file, 0, SEEK_SET) == 0);
  loff_t from = 3;
  NEED(copy_file_range(file, &from, copy, NULL, 10, 0) == 10);
  NEED(copy_file_range(file, NULL, copy, NULL, 100, 0) == 20);
  NEED(copy_file_range(file, NULL, copy, NULL, 100, 0) == 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 4};
  NEED(fcntl(file, F_SETLK, &lock) == 0);
  NEED(fcntl(file, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
  NEED(fcntl(file, F_SETLKW, &lock) == 0);
  NEED(fcntl(file, F_SETFD, FD_CLOEXEC) == 0 && fcntl(file, F_GETFL) >= 0);
  int again = fcntl(copy, F_DUPFD_CLOEXEC, 20);
  NEED(again == 20 && write(again, text, 3) == 3);
  struct termios terminal;
  struct winsize size;
  int waiting = 1;
  NEED(ioctl(file, TCGETS, &terminal) == -1 && ioctl(file, TIOCGWINSZ, &size) == -1);
  NEED(ioctl(file, FIONREAD, &waiting) == 0);
  NEED(flock(file, LOCK_EX) == 0);
  NEED(close(again) == 0 && close(copy) == 0 && close(file) == 0);
  NEED(open("/nowhere/at/all", O_WRONLY | O_CREAT, 0600) == -1);
  NEED((file = openat(AT_FDCWD, "new", O_WRONLY | O_CREAT | O_EXCL, 0600)) >= 0);
  NEED(close(file) == 0 && unlink("new") == 0);
  NEED((file = open("/dev/null", O_WRONLY)) >= 0);
  NEED(write(file, text, 9) == 9 && write(file, text, 8) == 8 && close(file) == 0);
  struct timespec times[2] = {{1, 2}, {3, 4}};
  NEED(utimensat(AT_FDCWD, "file", times, 0) == 0);
}

static void memory(void) {
  char *place = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NEED(place != MAP_FAILED);
  place[9000] = 1;
  NEED(mprotect(place, 4096, PROT_READ) == 0);
  NEED(madvise(place, 4096, MADV_DONTNEED) == 0);
  NEED(mmap(place + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place + 4096);
  NEED(munmap(place, 4096) == 0);
  char *moved = mremap(place + 4096, 8192, 65536, MREMAP_MAYMOVE);
  NEED(moved == MAP_FAILED || munmap(moved, 65536) == 0);
  NEED(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  int file = open("file", O_RDONLY);
  char *view = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
  NEED(view != MAP_FAILED && view[0] == 's' && munmap(view, 4096) == 0);
  NEED(close(file) == 0);
  NEED(sbrk(8192) != (void *)-1 && sbrk(-8192) != (void *)-1);
}

static void descriptors(void) {
  int ends[2], pair[2];
  char byte = 'x';
  struct iovec part = {&byte, 1};
  NEED(pipe2(ends, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  NEED(write(ends[1], &byte, 1) == 1 && writev(pair[0], &part, 1) == 1);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  struct timeval now = {0, 0};
  NEED(select(ends[0] + 1, &set, NULL, NULL, &now) == 1);
  struct pollfd ready = {pair[1], POLLIN, 0};
  NEED(poll(&ready, 1, 0) == 1);
  int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, 0), event = eventfd(1, 0);
  struct epoll_event wanted = {EPOLLIN, {.fd = event}}, found[4];
  NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
  NEED(epoll_wait(epoll, found, 4, 0) == 1);
  NEED(epoll_pwait(epoll, found, 4, 0, NULL) == 1);
  struct itimerspec when = {{0, 0}, {100, 0}};
  NEED(timerfd_settime(timer, 0, &when, NULL) == 0);
  unsigned long count;
  NEED(read(event, &count, 8) == 8 && count == 1);
  NEED(read(ends[0], &byte, 1) == 1 && readv(pair[1], &part, 1) == 1);
  int other = socket(AF_UNIX, SOCK_DGRAM, 0);
  NEED(shutdown(pair[0], SHUT_WR) == 0 && read(pair[1], &byte, 1) == 0);
  int all[] = {ends[0], ends[1], pair[0], pair[1], epoll, timer, event, other};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
    NEED(close(all[i]) == 0);
}

static void sockets(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"}, other;
  socklen_t length = sizeof name;
  int listening = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  NEED(bind(listening, (struct sockaddr *)&name, length) == 0 && listen(listening, 5) == 0);
  NEED(connect(client, (struct sockaddr *)&name, length) == 0);
  /* Less room than the name takes. */
  length = 4;
  int server = accept4(listening, (struct sockaddr *)&other, &length, SOCK_CLOEXEC);
  NEED(server >= 0);
  length = sizeof other;
  NEED(getpeername(client, (struct sockaddr *)&other, &length) == 0 && length == 9);
  length = 3;
  NEED(getsockname(server, (struct sockaddr *)&other, &length) == 0 && length == 9);
  int value = 0, size = 100000;
  length = sizeof value;
  NEED(getsockopt(server, SOL_SOCKET, SO_TYPE, &value, &length) == 0 && value == SOCK_STREAM);
  NEED(setsockopt(server, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  NEED(getsockopt(server, SOL_SOCKET, -1, &value, &length) == -1);

  char text[] = "a message", first[5], second[50];
  struct iovec parts[2] = {{text, 4}, {text + 4, 5}}, places[2] = {{first, sizeof first}, {second, sizeof second}};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control, got_control;
  /* Static: what is between the fields is zero. */
  static struct msghdr sent, taken;
  sent.msg_iov = parts;
  sent.msg_iovlen = 2;
  sent.msg_control = &control;
  sent.msg_controllen = sizeof control;
  memset(&control, 0, sizeof control);
  struct cmsghdr *rights = CMSG_FIRSTHDR(&sent);
  *rights = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(rights), &listening, sizeof(int));
  NEED(sendmsg(client, &sent, 0) == 9);
  taken.msg_name = &other;
  taken.msg_namelen = sizeof other;
  taken.msg_iov = places;
  taken.msg_iovlen = 2;
  taken.msg_control = &got_control;
  taken.msg_controllen = sizeof got_control;
  NEED(recvmsg(server, &taken, 0) == 9 && memcmp(first, text, 5) == 0 && memcmp(second, text + 5, 4) == 0);
  int passed;
  memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&taken)), sizeof passed);
  NEED(close(passed) == 0);
  NEED(recvmsg(server, &taken, MSG_DONTWAIT) == -1);
  NEED(sendto(server, text, 3, 0, NULL, 0) == 3);
  length = sizeof other;
  NEED(recvfrom(client, second, 20, 0, (struct sockaddr *)&other, &length) == 3);
  NEED(close(client) == 0 && close(server) == 0 && close(listening) == 0 && unlink(name.sun_path) == 0);
}

static void signals(void) {
  struct sigaction action = {.sa_handler = on_signal}, old;
  sigset_t set, before;
  NEED(sigaction(SIGUSR1, &action, &old) == 0);
  got = 0;
  NEED(raise(SIGUSR1) == 0 && got == SIGUSR1);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
  NEED(raise(SIGUSR1) == 0 && got == SIGUSR1);
  NEED(sigpending(&set) == 0 && sigismember(&set, SIGUSR1));
  NEED(sigprocmask(SIG_SETMASK, &before, NULL) == 0 && got == 2 * SIGUSR1);
  NEED(sigaction(SIGUSR1, &old, &action) == 0 && action.sa_handler == on_signal);
  signal(SIGUSR1, SIG_IGN);
  NEED(raise(SIGUSR1) == 0 && got == 2 * SIGUSR1);
  signal(SIGUSR1, SIG_DFL);
}

/* With descriptors that are ready, with ones that are not, with masks and without. */
static void waits(void) {
  int ends[2];
  char byte = 'w';
  sigset_t mask;
  NEED(pipe(ends) == 0);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  for (int ready = 0; ready < 2; ready++) {
    fd_set reading, writing;
    struct pollfd polled[2] = {{ends[0], POLLIN, POLLERR}, {-1, POLLIN, POLLIN}};
    struct timespec left = {0, 20000};
    struct timeval limit = {0, 20};
    NEED(!ready || write(ends[1], &byte, 1) == 1);
    for (int with = 0; with < 3; with++) {
      sigset_t *const wanted = with == 1 ? &mask : NULL;
      FD_ZERO(&reading);
      FD_SET(ends[0], &reading);
      FD_ZERO(&writing);
      left.tv_nsec = limit.tv_usec = 20;
      if (with == 2 && !ready)
        continue;
      NEED(pselect(ends[0] + 1, &reading, &writing, NULL, with == 2 ? NULL : &left, wanted) == ready);
      NEED(ppoll(polled, 2, with == 2 ? NULL : &left, wanted) == ready && polled[0].revents == ready);
    }
    FD_SET(ends[0], &reading);
    NEED(syscall(SYS_select, ends[0] + 1, &reading, NULL, NULL, &limit) == ready);
    NEED(poll(polled, 2, 1) == ready && polled[1].revents == 0);
  }
  NEED(read(ends[0], &byte, 1) == 1 && close(ends[0]) == 0 && close(ends[1]) == 0);
  struct timespec moment = {0, 1000}, rest = {7, 7}, wrong = {0, -1};
  NEED(nanosleep(&moment, &rest) == 0 && nanosleep(&wrong, &rest) == -1);
  NEED(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, &rest) == 0 && rest.tv_sec == 7 && rest.tv_nsec == 7);
}

static void others(void) {
  struct rlimit limit;
  struct timespec moment = {0, 1000};
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0 && prlimit(0, RLIMIT_NOFILE, &limit, NULL) == 0);
  NEED(nanosleep(&moment, NULL) == 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL) == 0);
  NEED(sched_yield() == 0);
  char name[400];
  NEED(getcwd(name, sizeof name) != NULL && chdir(".") == 0);
  pid_t child = fork();
  if (child == 0)
    _exit(3);
  int status;
  NEED(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
  NEED(waitpid(-1, &status, 0) == -1);
}

int main(void) {
  for (int round = 0; round < 5; round++) {
    files();
    memory();
    descriptors();
    sockets();
    signals();
    waits();
    others();
  }
  return 7;
}
