/*
 * Threads with descriptors that are made not to wait, in each way there is, and that wait again after that has been taken
 * back through a copy.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { ROUNDS = 200, LARGE = 1 << 20 };

static void is_empty(int fd) {
  uint64_t word;
  CHECK(read(fd, &word, sizeof(word)) == -1 && errno == EAGAIN);
}

/* With pauses, in which the reader finds nothing. */
static void *write_later(void *arg) {
  const int fd = *(const int *)arg;
  for (int i = 0; i < ROUNDS; i++) {
    if (i % 50 == 0)
      usleep(1000);
    CHECK(write(fd, "x", 1) == 1);
  }
  return NULL;
}

static void read_all(int in, int out, int waits) {
  pthread_t writer;
  char byte;
  CHECK(pthread_create(&writer, NULL, write_later, &out) == 0);
  for (int got = 0; got < ROUNDS;) {
    const ssize_t count = read(in, &byte, 1);
    if (count == 1) {
      got++;
      continue;
    }
    CHECK(!waits && count == -1 && errno == EAGAIN);
    usleep(100);
  }
  CHECK(pthread_join(writer, NULL) == 0);
}

static void *empty_slowly(void *arg) {
  const int fd = *(const int *)arg;
  static char bytes[4096];
  for (ssize_t left = LARGE; left > 0;) {
    const ssize_t count = CHECK_SYS(read(fd, bytes, sizeof(bytes)));
    left -= count;
  }
  return NULL;
}

static void make_and_use(int *fds, int by_ioctl) {
  int off = 0, on = 1;
  is_empty(fds[0]);
  read_all(fds[0], fds[1], 0);
  /* Of both ends, through copies. */
  for (int i = 0; i < 2; i++) {
    const int copy = CHECK_SYS(dup(fds[i]));
    if (by_ioctl)
      CHECK_SYS(ioctl(copy, FIONBIO, &off));
    else
      CHECK_SYS(fcntl(copy, F_SETFL, CHECK_SYS(fcntl(copy, F_GETFL)) & ~O_NONBLOCK));
    CHECK_SYS(close(copy));
  }
  read_all(fds[0], fds[1], 1);
  /* It waits, so it is whole. */
  static char bytes[LARGE];
  pthread_t reader;
  CHECK(pthread_create(&reader, NULL, empty_slowly, &fds[0]) == 0);
  CHECK(write(fds[1], bytes, sizeof(bytes)) == sizeof(bytes));
  CHECK(pthread_join(reader, NULL) == 0);
  if (by_ioctl)
    CHECK_SYS(ioctl(fds[0], FIONBIO, &on));
  else
    CHECK_SYS(fcntl(fds[0], F_SETFL, O_NONBLOCK));
  is_empty(fds[0]);
  CHECK_SYS(close(fds[0]));
  CHECK_SYS(close(fds[1]));
}

static void connected(int *fds) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof(address);
  const int listener = CHECK_SYS(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  CHECK_SYS(bind(listener, (struct sockaddr *)&address, length));
  CHECK_SYS(listen(listener, 1));
  CHECK_SYS(getsockname(listener, (struct sockaddr *)&address, &length));
  CHECK(accept4(listener, NULL, NULL, SOCK_NONBLOCK) == -1 && errno == EAGAIN);
  fds[1] = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_SYS(connect(fds[1], (struct sockaddr *)&address, sizeof(address)));
  fds[0] = CHECK_SYS(accept4(listener, NULL, NULL, SOCK_NONBLOCK));
  CHECK_SYS(close(listener));
}

int main(void) {
  int fds[2];
  for (int by_ioctl = 0; by_ioctl < 2; by_ioctl++) {
    CHECK_SYS(pipe2(fds, O_NONBLOCK));
    make_and_use(fds, by_ioctl);
    CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
    make_and_use(fds, by_ioctl);
    connected(fds);
    make_and_use(fds, by_ioctl);
  }
  const int event = CHECK_SYS(eventfd(0, EFD_NONBLOCK));
  is_empty(event);
  const int timer = CHECK_SYS(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  is_empty(timer);
  printf("thread_nonblocking ok\n");
  return 0;
}
