/*
 * Has descriptors and messages under way when it rests, timers that have run out, and what it has asked of the kernel for
 * itself and its child. Checks all of it when a byte has come, and ends with 4.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LARGE 60000

union control {
  char bytes[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
  struct cmsghdr align;
};

static char large[LARGE], text[LARGE];
static volatile sig_atomic_t alarms;
static void handler(int signo) { alarms += signo == SIGALRM; }
static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

static struct msghdr *message(struct iovec *vector, union control *control, const char *what, int fd) {
  static struct msghdr head;
  *vector = (struct iovec){(char *)what, strlen(what)};
  head = (struct msghdr){.msg_iov = vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int))};
  memset(control, 0, sizeof *control);
  *CMSG_FIRSTHDR(&head) = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(CMSG_FIRSTHDR(&head)), &fd, sizeof fd);
  return &head;
}

static void send_fd(int socket, const char *what, int fd) {
  struct iovec vector;
  union control control;
  sendmsg(socket, message(&vector, &control, what, fd), 0);
}

/* Returns the bytes; `fd` and `sender` are -1 where there are none. */
static ssize_t receive(int socket, int *fd, pid_t *sender) {
  struct iovec vector = {text, sizeof text};
  union control control;
  struct msghdr head = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  memset(text, 0, sizeof text);
  *fd = -1;
  if (sender != NULL) *sender = -1;
  ssize_t size = recvmsg(socket, &head, 0);
  for (struct cmsghdr *at = CMSG_FIRSTHDR(&head); size >= 0 && at != NULL; at = CMSG_NXTHDR(&head, at))
    if (at->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(at), sizeof *fd);
    else if (sender != NULL) *sender = ((struct ucred *)CMSG_DATA(at))->pid;
  return size;
}

static int is(const char *expected) { return strcmp(text, expected) == 0; }

int main(void) {
  int stream[2], packets[2], records[2], inner[2], both[2], gate[2], fd, yes = 1;
  pid_t sender;
  struct iovec vector;
  union control control;

  int file = open("passed", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(file, "before after", 12);
  lseek(file, 7, SEEK_SET);
  socketpair(AF_UNIX, SOCK_STREAM, 0, stream);
  write(stream[0], "read plain ", 11);
  read(stream[1], text, 5);
  send_fd(stream[0], "file ", file);
  close(file);
  write(stream[0], "behind", 6);

  socketpair(AF_UNIX, SOCK_STREAM, 0, inner);
  pipe(both);
  write(both[1], "piped", 5);
  send_fd(inner[0], "pipe", both[0]);
  close(both[0]);
  send_fd(stream[0], "socket", inner[1]);
  close(inner[1]);

  socketpair(AF_UNIX, SOCK_DGRAM, 0, packets);
  setsockopt(packets[1], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  send(packets[0], "first", 5, 0);
  recv(packets[1], text, sizeof text, 0);
  memset(large, 'l', LARGE);
  send(packets[0], large, LARGE, 0);
  send(packets[0], "", 0, 0);
  send_fd(packets[0], "with", both[1]);
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, records);
  struct iovec parts[2] = {{"one", 3}, {"three", 5}};
  struct mmsghdr many[2] = {{.msg_hdr = {.msg_iov = &parts[0], .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &parts[1], .msg_iovlen = 1}}};
  sendmmsg(records[0], many, 2, 0);
  send_fd(records[0], "unwanted", both[1]);
  shutdown(records[0], SHUT_WR);

  mkfifo("fifo", 0600);
  mkfifo("gone", 0600);
  int reader = open("fifo", O_RDONLY | O_NONBLOCK), writer = open("fifo", O_WRONLY), nameless = open("gone", O_RDWR);
  fcntl(reader, F_SETFL, 0);
  write(writer, "in the fifo", 11);
  read(reader, text, 3);
  write(nameless, "without a name", 14);
  unlink("gone");

  struct itimerspec soon = {.it_value = {0, 1000000}}, now;
  int once = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), unread = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  unsigned long long times;
  timerfd_settime(once, 0, &soon, NULL);
  poll(&(struct pollfd){.fd = once, .events = POLLIN}, 1, -1);
  read(once, &times, sizeof times);
  soon.it_interval.tv_sec = 3600;
  timerfd_settime(unread, 0, &soon, NULL);
  poll(&(struct pollfd){.fd = unread, .events = POLLIN}, 1, -1);
  soon.it_interval.tv_sec = 0;
  signal(SIGALRM, handler);
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGUSR1);
  sigaddset(&held, SIGALRM);
  sigprocmask(SIG_BLOCK, &held, NULL);
  setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 1000}}, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigsuspend(&none);
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &soon, NULL);
  sigwaitinfo(&held, NULL);

  cpu_set_t cpus, some;
  CPU_ZERO(&some);
  sched_getaffinity(0, sizeof cpus, &cpus);
  for (int cpu = 0; CPU_COUNT(&some) == 0; cpu++)
    if (CPU_ISSET(cpu, &cpus)) CPU_SET(cpu, &some);
  sched_setaffinity(0, sizeof some, &some);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_TIMERSLACK, 77777, 0, 0, 0);
  pipe(gate);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(writer);
    read(gate[0], &byte, 1);
    _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == 77777 &&
          sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_EQUAL(&cpus, &some));
  }
  int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
  write(sealed, "fixed", 5);
  fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE);
  int has_barriers = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  fcntl(inner[0], F_SETOWN, getpid());
  fcntl(inner[0], F_SETSIG, SIGUSR1);
  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int locks = mlock(page, 8192) == 0 && munlock(page + 4096, 4096) == 0;

  char go;
  write(1, "rests\n", 6);
  if (read(0, &go, 1) != 1) return 1;

  check(receive(stream[1], &fd, NULL) == 11 && is("plain file ") && fd >= 0, "a descriptor behind plain bytes");
  memset(text, 0, sizeof text);
  check(read(fd, text, 6) == 5 && is("after"), "its offset");
  check(receive(stream[1], &fd, NULL) == 12 && is("behindsocket") && fd >= 0, "a socket");
  int passed = fd;
  check(receive(passed, &fd, NULL) == 4 && is("pipe") && fd >= 0, "a pipe in its queue");
  memset(text, 0, sizeof text);
  check(read(fd, text, 10) == 5 && is("piped"), "what is in the pipe");
  check(receive(packets[1], &fd, &sender) == LARGE && !memcmp(text, large, LARGE) && sender == getpid(), "a large packet");
  check(receive(packets[1], &fd, &sender) == 0 && sender == getpid(), "an empty packet");
  check(receive(packets[1], &fd, &sender) == 4 && is("with") && fd >= 0 && sender == getpid(), "a packet with a descriptor");
  check(receive(records[1], &fd, NULL) == 3 && is("one") && fd < 0, "the first of two");
  check(receive(records[1], &fd, NULL) == 5 && is("three") && fd < 0, "the second of two");
  memset(text, 0, sizeof text);
  check(read(records[1], text, 20) == 8 && is("unwanted"), "a descriptor that nobody takes");
  check(read(records[1], text, 20) == 0, "the end");
  sendmsg(stream[0], message(&vector, &control, "new", gate[1]), 0);
  check(receive(stream[1], &fd, NULL) == 3 && fd >= 0, "a new one");

  memset(text, 0, sizeof text);
  check(read(reader, text, 20) == 8 && is("the fifo"), "what is in a FIFO");
  close(writer);
  check(read(reader, text, 20) == 0, "its end");
  memset(text, 0, sizeof text);
  check(read(nameless, text, 20) == 14 && is("without a name"), "what is in one that is gone");
  writer = open("fifo", O_WRONLY);
  check(write(writer, "more", 4) == 4 && read(reader, text, 20) == 4, "its name");

  check(read(once, &times, sizeof times) < 0 && errno == EAGAIN, "a timerfd that has run out");
  check(timerfd_gettime(once, &now) == 0 && now.it_value.tv_sec + now.it_value.tv_nsec == 0, "it is not set");
  check(read(unread, &times, sizeof times) == sizeof times && times == 1, "one that nobody has read");
  check(timerfd_gettime(unread, &now) == 0 && now.it_value.tv_sec > 3000, "its next time");
  struct itimerval interval;
  check(getitimer(ITIMER_REAL, &interval) == 0 && interval.it_value.tv_sec + interval.it_value.tv_usec == 0, "an alarm that has rung");
  check(timer_gettime(timer, &now) == 0 && now.it_value.tv_sec + now.it_value.tv_nsec == 0, "a timer that has run out");
  sigset_t pending;
  check(sigpending(&pending) == 0 && !sigismember(&pending, SIGALRM) && !sigismember(&pending, SIGUSR1) && alarms == 1, "no signal again");

  check(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_EQUAL(&cpus, &some), "CPUs");
  write(gate[1], "x", 1);
  int status = 0;
  check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 1, "what a child inherits");
  check(fcntl(sealed, F_GET_SEALS) == (F_SEAL_GROW | F_SEAL_WRITE), "seals");
  check(!has_barriers || syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0, "barriers");
  check(fcntl(inner[0], F_GETOWN) == getpid() && fcntl(inner[0], F_GETSIG) == SIGUSR1, "an owner");
  FILE *more = fopen("/proc/self/status", "r");
  int locked = -1;
  while (more != NULL && fgets(text, sizeof text, more)) sscanf(text, "VmLck: %d", &locked);
  check(!locks || locked == 4, "locked memory");
  return 4;
}
