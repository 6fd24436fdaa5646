/* epoll_pwait and epoll_pwait2: timeouts in nanoseconds, a signal mask swapped during the wait. */
#include "guest.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

static volatile sig_atomic_t handled;
static void handler(int signo) { handled = signo; }

static double since(struct timespec start) {
  struct timespec now;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
  return (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
}

int main(void) {
  int epoll = CHECK_SYS(epoll_create1(0));
  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &(struct epoll_event){EPOLLIN, {.u32 = 9}}));
  struct epoll_event event;
  struct timespec start;

  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &start));
  CHECK(epoll_wait(epoll, &event, 1, 10) == 0);
  CHECK(since(start) >= 0.009);

  /* The signal is pending and blocked; the wait unblocks it, so it ends at once. */
  sigset_t block, none;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR2);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &block, NULL));
  CHECK(signal(SIGUSR2, handler) != SIG_ERR);
  CHECK_SYS(raise(SIGUSR2));
  CHECK(handled == 0);
  CHECK_ERRNO(epoll_pwait(epoll, &event, 1, 10000, &none), EINTR);
  CHECK(handled == SIGUSR2);

  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &start));
  struct timespec timeout = {.tv_nsec = 2500000};
  long result = syscall(SYS_epoll_pwait2, epoll, &event, 1, &timeout, NULL, 8);
  if (result == -1) {
    CHECK(errno == ENOSYS);
    printf("no epoll_pwait2\n");
    return done();
  }
  double waited = since(start);
  printf("waited %.9f s\n", waited);
  CHECK(result == 0 && waited >= 0.0025);
  handled = 0;
  CHECK_SYS(raise(SIGUSR2));
  CHECK_ERRNO(syscall(SYS_epoll_pwait2, epoll, &event, 1, NULL, &none, 8), EINTR);
  CHECK(handled == SIGUSR2);
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK(syscall(SYS_epoll_pwait2, epoll, &event, 1, NULL, NULL, 0) == 1 && event.data.u32 == 9);
  timeout.tv_nsec = -1;
  CHECK_ERRNO(syscall(SYS_epoll_pwait2, epoll, &event, 1, &timeout, NULL, 8), EINVAL);
  return done();
}
