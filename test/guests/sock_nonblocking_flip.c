/* A non-blocking socket that is made blocking by another descriptor, and by
 * another process: its reader waits then, and other threads must go on
 * meanwhile. */
#include "guest_tasks.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int pair[2];
static volatile int turns;

static void *writer(void *arg) {
  for (long i = 0; i < 1000; i++)
    turns++;
  CHECK(write(pair[1], arg, 1) == 1);
  return NULL;
}

/* One read that finds nothing, and after `flip` one that waits for another
 * thread. */
static void read_both(const char *what, void (*flip)(void),
                      void (*back)(void)) {
  pthread_t thread;
  char byte = 0;
  CHECK(read(pair[0], &byte, 1) == -1 && errno == EAGAIN);
  CHECK(recv(pair[0], &byte, 1, 0) == -1 && errno == EAGAIN);
  flip();
  CHECK_ZERO(pthread_create(&thread, NULL, writer, (void *)what));
  CHECK(TEMP_FAILURE_RETRY(read(pair[0], &byte, 1)) == 1 && byte == what[0]);
  CHECK_ZERO(pthread_join(thread, NULL));
  back();
}

static void set_flags(int fd, int flags) {
  CHECK_SYS(fcntl(fd, F_SETFL, flags));
}

static void by_copy(void) {
  int copy = CHECK_SYS(dup(pair[0]));
  set_flags(copy, 0);
  CHECK_SYS(close(copy));
}

static void by_ioctl(void) {
  int off = 0;
  CHECK_SYS(ioctl(pair[0], FIONBIO, &off));
}

static void by_child(void) {
  int status;
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    set_flags(pair[0], 0);
    _exit(0);
  }
  CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child && status == 0);
}

static void non_blocking(void) { set_flags(pair[0], O_NONBLOCK); }

static void *idle(void *arg) {
  char byte;
  CHECK(TEMP_FAILURE_RETRY(read(*(int *)arg, &byte, 1)) == 0);
  return NULL;
}

int main(void) {
  int end[2];
  pthread_t thread;
  CHECK_SYS(pipe(end));
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  CHECK_ZERO(pthread_create(&thread, NULL, idle, &end[0]));
  read_both("copy", by_copy, non_blocking);
  read_both("ioctl", by_ioctl, non_blocking);
  read_both("x child", by_child, non_blocking);
  CHECK_SYS(close(end[1]));
  CHECK_ZERO(pthread_join(thread, NULL));
  CHECK(turns == 3000);
  return done();
}
