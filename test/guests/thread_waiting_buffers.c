/*
 * One thread waits in a call while another looks at the buffer that the call fills. When the bytes appear decides how
 * often the second one looks: a recording that shows them before the call has ended cannot be replayed.
 */
#include "guest.h"

#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#define LARGE 200000

static unsigned char buffer[LARGE];
static volatile unsigned char *watched;
static unsigned char before;
static volatile int ended;
static int fds[2];

static void *watch(void *unused) {
  (void)unused;
  unsigned looks = 0;
  int early = 0;
  while (!ended) {
    getppid();
    looks++;
    if (*watched != before) {
      early = !ended;
      break;
    }
  }
  MIX(looks);
  MIX(early);
  return NULL;
}

/* Has a child run `act` a moment after this process has begun to wait, and a thread watch the byte at `at`. */
static pid_t other_side;
static pthread_t watcher;

static void begin(volatile void *at, void (*act)(void)) {
  watched = at;
  before = *watched;
  ended = 0;
  other_side = CHECK_SYS(fork());
  if (other_side == 0) {
    const struct timespec moment = {0, 3000000};
    nanosleep(&moment, NULL);
    act();
    _exit(0);
  }
  CHECK_ZERO(pthread_create(&watcher, NULL, watch, NULL));
}

static void finish(void) {
  ended = 1;
  CHECK_ZERO(pthread_join(watcher, NULL));
  if (other_side != 0)
    wait_ok(other_side);
}

static void act_write(void) { CHECK(write(fds[1], "sixteen bytes ok", 16) == 16); }

static void test_read(void) {
  CHECK_SYS(pipe(fds));
  memset(buffer, 0, 16);
  begin(buffer, act_write);
  CHECK(read(fds[0], buffer, 16) == 16);
  finish();
  CHECK(memcmp(buffer, "sixteen bytes ok", 16) == 0);
}

static void test_read_large(void) {
  memset(buffer, 0, LARGE);
  begin(buffer, act_write);
  CHECK(read(fds[0], buffer, LARGE) == 16);
  finish();
  CHECK(memcmp(buffer, "sixteen bytes ok", 17) == 0);
}

static void test_readv(void) {
  memset(buffer, 0, 64);
  struct iovec iov[3] = {{buffer + 32, 4}, {NULL, 0}, {buffer, 20}};
  begin(buffer, act_write);
  CHECK(readv(fds[0], iov, 3) == 16);
  finish();
  CHECK(iov[2].iov_base == buffer && memcmp(buffer + 32, "sixt", 5) == 0 && memcmp(buffer, "een bytes ok", 13) == 0);
}

static void test_poll(void) {
  struct pollfd fd[2] = {{.fd = -1, .events = POLLIN}, {.fd = fds[0], .events = POLLIN}};
  begin(&fd[1].revents, act_write);
  CHECK(poll(fd, 2, 1000000) == 1);
  finish();
  CHECK(fd[0].revents == 0 && fd[1].revents == POLLIN);
  fd[1].revents = 0;
  CHECK(read(fds[0], buffer, 100) == 16);
  struct timespec limit = {1000, 0};
  begin(&fd[1].revents, act_write);
  CHECK(syscall(SYS_ppoll, fd, 2, &limit, NULL, 8) == 1);
  finish();
  CHECK(fd[1].revents == POLLIN && limit.tv_sec >= 0 && limit.tv_sec < 1000);
  CHECK(read(fds[0], buffer, 100) == 16);
  MIX(limit);
}

static void test_select(void) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fds[0], &set);
  FD_SET(fds[1] + 1, &set);
  CHECK_SYS(dup2(fds[0], fds[1] + 1));
  struct timeval limit = {1000, 0};
  begin(&limit, act_write);
  CHECK(select(fds[1] + 2, &set, NULL, NULL, &limit) == 2);
  finish();
  MIX(limit);
  CHECK(read(fds[0], buffer, 100) == 16);
  close(fds[1] + 1);
}

static void test_epoll(void) {
  int epoll = CHECK_SYS(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1122334455667788}, got[4];
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event));
  memset(got, 0, sizeof(got));
  begin(&got[0].data, act_write);
  CHECK(epoll_wait(epoll, got, 4, 1000000) == 1);
  finish();
  CHECK(got[0].data.u64 == event.data.u64);
  CHECK(read(fds[0], buffer, 100) == 16);
  close(epoll);
}

static void act_count(void) {
  const uint64_t seven = 7;
  CHECK(write(fds[1], &seven, 8) == 8);
}

static void test_eventfd(void) {
  int fd = CHECK_SYS(eventfd(0, 0));
  fds[1] = fd;
  uint64_t value = 0;
  begin(&value, act_count);
  CHECK(read(fd, &value, 8) == 8 && value == 7);
  finish();
  close(fd);
}

static int sockets[2];

static void act_send(void) {
  struct iovec iov[2] = {{"name", 4}, {" and data", 9}};
  char control[CMSG_SPACE(sizeof(int))] = {0};
  struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)};
  struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
  cmsg->cmsg_level = SOL_SOCKET;
  cmsg->cmsg_type = SCM_RIGHTS;
  cmsg->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(cmsg), &sockets[1], sizeof(int));
  CHECK(sendmsg(sockets[1], &msg, 0) == 13);
}

static void test_messages(void) {
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  snprintf(own.sun_path, sizeof(own.sun_path), "%s/sender", tmpdir());
  CHECK_SYS(bind(sockets[1], (struct sockaddr *)&own, sizeof(own)));
  memset(buffer, 0, 64);
  struct sockaddr_un from;
  memset(&from, 0, sizeof(from));
  char control[64];
  struct iovec iov[2] = {{buffer, 5}, {buffer + 16, 40}};
  struct msghdr msg = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = iov,
                       .msg_iovlen = 2,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
  begin(buffer, act_send);
  CHECK(recvmsg(sockets[0], &msg, 0) == 13);
  finish();
  CHECK(memcmp(buffer, "name ", 6) == 0 && memcmp(buffer + 16, "and data", 9) == 0);
  CHECK(msg.msg_iov == iov && msg.msg_name == &from && msg.msg_control == control);
  CHECK(strcmp(from.sun_path, own.sun_path) == 0 && msg.msg_controllen == CMSG_SPACE(sizeof(int)));
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
  CHECK_SYS(close(fd));

  memset(buffer, 0, 64);
  memset(&from, 0, sizeof(from));
  socklen_t length = sizeof(from);
  begin(&from, act_send);
  CHECK(recvfrom(sockets[0], buffer, 64, 0, (struct sockaddr *)&from, &length) == 13);
  finish();
  CHECK(strcmp(from.sun_path, own.sun_path) == 0);

  struct mmsghdr many[3];
  memset(many, 0, sizeof(many));
  for (int i = 0; i < 3; i++) {
    many[i].msg_hdr.msg_iov = &iov[i & 1];
    many[i].msg_hdr.msg_iovlen = 1;
  }
  memset(buffer, 0, 64);
  begin(&many[0].msg_len, act_send);
  CHECK(recvmmsg(sockets[0], many, 3, MSG_WAITFORONE, NULL) == 1);
  finish();
  CHECK(many[0].msg_len == 5 && many[0].msg_hdr.msg_iov == &iov[0] && memcmp(buffer, "name ", 5) == 0);
}

static void act_connect(void) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof(at.sun_path), "%.80s/listener", guest_dir);
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  snprintf(own.sun_path, sizeof(own.sun_path), "%.80s/caller", guest_dir);
  int fd = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_SYS(bind(fd, (struct sockaddr *)&own, sizeof(own)));
  CHECK_SYS(connect(fd, (struct sockaddr *)&at, sizeof(at)));
}

static void test_accept(void) {
  struct sockaddr_un at = {.sun_family = AF_UNIX}, peer;
  snprintf(at.sun_path, sizeof(at.sun_path), "%s/listener", tmpdir());
  int fd = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_SYS(bind(fd, (struct sockaddr *)&at, sizeof(at)));
  CHECK_SYS(listen(fd, 1));
  memset(&peer, 0, sizeof(peer));
  socklen_t length = sizeof(peer);
  begin(&peer, act_connect);
  CHECK_SYS(accept(fd, (struct sockaddr *)&peer, &length));
  finish();
  CHECK(strstr(peer.sun_path, "/caller") != NULL);
}

static void act_nothing(void) {}

static void test_wait(void) {
  int status = -1;
  struct rusage usage;
  memset(&usage, 0xff, sizeof(usage));
  begin(&status, act_nothing);
  CHECK(wait4(other_side, &status, 0, &usage) == other_side);
  other_side = 0;
  finish();
  CHECK(status == 0);
  MIX(usage);
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  begin(&info.si_pid, act_nothing);
  CHECK_SYS(waitid(P_PID, other_side, &info, WEXITED));
  CHECK(info.si_pid == other_side);
  other_side = 0;
  finish();
}

struct message {
  long type;
  char text[40];
};
static int queue;
static mqd_t mq;

static void act_message(void) {
  struct message message = {3, "to be received"};
  CHECK_SYS(msgsnd(queue, &message, 15, 0));
}

static void act_mq(void) { CHECK_ZERO(mq_send(mq, "posix", 6, 5)); }

static void test_queues(void) {
  queue = CHECK_SYS(msgget(IPC_PRIVATE, 0600));
  struct message got;
  memset(&got, 0, sizeof(got));
  begin(got.text, act_message);
  CHECK(msgrcv(queue, &got, sizeof(got.text), 0, 0) == 15);
  finish();
  CHECK(got.type == 3 && strcmp(got.text, "to be received") == 0);
  CHECK_SYS(msgctl(queue, IPC_RMID, NULL));

  char name[40];
  snprintf(name, sizeof(name), "/guest-waiting-%d", (int)getpid());
  struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 64};
  mq = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
  if (mq < 0)
    return;
  mq_unlink(name);
  memset(buffer, 0, 64);
  unsigned priority = 0;
  begin(buffer, act_mq);
  CHECK(mq_receive(mq, (char *)buffer, 64, &priority) == 6 && priority == 5);
  finish();
  mq_close(mq);
}

static void on_signal(int signo) { (void)signo; }
static pid_t main_tid;

static void act_signal(void) { CHECK_SYS(syscall(SYS_tgkill, getppid(), main_tid, SIGUSR1)); }

/* Until it is known to have interrupted something: the first may come too early. */
static void act_signals(void) {
  const struct timespec moment = {0, 3000000};
  do {
    act_signal();
    nanosleep(&moment, NULL);
  } while (read(fds[0], buffer, 1) != 1);
}

static void test_signals(void) {
  main_tid = syscall(SYS_gettid);
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  struct timespec left = {0, 0};
  CHECK_SYS(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  begin(&left, act_signals);
  const struct timespec ages = {100, 0};
  CHECK_ERRNO(nanosleep(&ages, &left), EINTR);
  CHECK(write(fds[1], "", 1) == 1);
  finish();
  CHECK(left.tv_sec > 50 && left.tv_sec <= 100);
  MIX(left);

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &set, NULL));
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  begin(&info.si_pid, act_signal);
  CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
  finish();
  CHECK(info.si_signo == SIGUSR1 && info.si_pid == other_side);
}

/* A buffer that is not there, or may not be written, is still a fault. */
static void test_faults(void) {
  begin(buffer, act_write);
  CHECK_ERRNO(syscall(SYS_read, fds[0], (void *)16, 16), EFAULT);
  finish();
  CHECK(read(fds[0], buffer, 100) == 16);
}

int main(void) {
  test_read();
  test_read_large();
  test_readv();
  test_poll();
  test_select();
  test_epoll();
  test_faults();
  test_messages();
  test_accept();
  test_wait();
  test_queues();
  test_signals();
  test_eventfd();
  return done();
}
