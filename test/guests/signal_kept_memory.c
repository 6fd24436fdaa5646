/*
 * What waiting calls leave in memory when a signal ends them or a stop interrupts them: poll clears what it found before,
 * select and ppoll count their time down, nanosleep says what is left. What was there before is stale on purpose.
 */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int signal) {
  (void)signal;
  alarms++;
}

/* Over and over: the first may come before the call. */
static void soon(void) {
  const struct itimerval timer = {{0, 20000}, {0, 20000}};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
}

static void no_more(void) { CHECK_SYS(setitimer(ITIMER_REAL, &(struct itimerval){}, NULL)); }

static int empty[2];

static void by_poll(void) {
  struct pollfd polled[2] = {{empty[0], POLLIN, POLLIN | POLLHUP}, {-1, 0, POLLERR}};
  CHECK_ERRNO(poll(polled, 2, -1), EINTR);
  CHECK(polled[0].revents == 0 && polled[1].revents == 0);
  MIX(polled);
}

static void by_ppoll(void) {
  struct pollfd polled = {empty[0], POLLIN, POLLIN};
  struct timespec left = {100, 0};
  sigset_t mask;
  sigfillset(&mask);
  sigdelset(&mask, SIGALRM);
  CHECK(raw_syscall(SYS_ppoll, (long)&polled, 1, (long)&left, (long)&mask, 8, 0) == -EINTR);
  CHECK(polled.revents == 0 && left.tv_sec < 100);
  MIX(left);
}

static void by_select(void) {
  fd_set set;
  struct timeval left = {100, 0};
  FD_ZERO(&set);
  FD_SET(empty[0], &set);
  CHECK(raw_syscall(SYS_select, empty[0] + 1, (long)&set, 0, 0, (long)&left, 0) == -EINTR);
  CHECK(FD_ISSET(empty[0], &set) && left.tv_sec < 100);
  MIX(left);
}

static void by_pselect(void) {
  sigset_t mask, before;
  struct timespec left = {100, 0};
  sigfillset(&mask);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &mask, &before));
  sigdelset(&mask, SIGALRM);
  const struct {
    const sigset_t *mask;
    size_t size;
  } pair = {&mask, 8};
  CHECK(raw_syscall(SYS_pselect6, 0, 0, 0, 0, (long)&left, (long)&pair) == -EINTR);
  CHECK(left.tv_sec < 100);
  MIX(left);
  CHECK_SYS(sigprocmask(SIG_SETMASK, &before, NULL));
}

/* Of 100 s. The kernel adds its slack of some microseconds: right after the beginning more is left than was asked for. */
static int is_counted_down(struct timespec left) { return left.tv_sec < 100 || left.tv_nsec != 0; }

static void by_nanosleep(void) {
  struct timespec time = {100, 0};
  CHECK(raw_syscall(SYS_nanosleep, (long)&time, (long)&time, 0, 0, 0, 0) == -EINTR);
  CHECK(is_counted_down(time));
  MIX(time);
  time = (struct timespec){100, 0};
  CHECK(raw_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&time, (long)&time, 0, 0) == -EINTR);
  CHECK(is_counted_down(time));
  MIX(time);
}

static void (*const calls[])(void) = {by_poll, by_ppoll, by_select, by_pselect, by_nanosleep};
enum { CALLS = sizeof(calls) / sizeof(calls[0]), ROUNDS = 4 };

static void *beside(void *unused) {
  sigset_t all;
  sigfillset(&all);
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &all, NULL));
  char byte;
  CHECK(read(empty[0], &byte, 1) == 0);
  return unused;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  CHECK_SYS(pipe(empty));
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < CALLS; i++) {
      soon();
      calls[i]();
      no_more();
    }
  CHECK(alarms >= ROUNDS * (CALLS + 1));

  /* The same while a stop interrupts the call, which goes on then. */
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    struct timespec time = {0, 20000000};
    for (int round = 0; round < 10; round++) {
      struct pollfd polled = {empty[0], POLLIN, POLLIN};
      struct timespec left = {0, 2000000};
      CHECK(poll(&polled, 1, 2) == 0 && polled.revents == 0);
      polled.revents = POLLIN;
      CHECK(raw_syscall(SYS_ppoll, (long)&polled, 1, (long)&left, 0, 8, 0) == 0 && polled.revents == 0);
      MIX(left);
      left = (struct timespec){0, 2000000};
      CHECK(raw_syscall(SYS_pselect6, 0, 0, 0, 0, (long)&left, 0) == 0);
      MIX(left);
      struct timespec rest = {1, round};
      CHECK(raw_syscall(SYS_nanosleep, (long)&left, (long)&rest, 0, 0, 0, 0) == 0);
      MIX(rest);
    }
    CHECK_SYS(nanosleep(&time, NULL));
    printf("child %lx\n", (unsigned long)guest_sum);
    _exit(0);
  }
  int status, stopped = 1;
  for (int stops = 0; stopped && stops < 30; stops++) {
    nap_us(2000);
    CHECK_SYS(kill(child, SIGSTOP));
    CHECK(waitpid(child, &status, WUNTRACED) == child);
    stopped = WIFSTOPPED(status);
    if (stopped)
      CHECK_SYS(kill(child, SIGCONT));
  }
  if (stopped)
    CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  /* And beside a thread that waits: this one gives way. */
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, beside, NULL));
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < CALLS; i++) {
      soon();
      calls[i]();
      no_more();
    }
  CHECK_SYS(close(empty[1]));
  CHECK_ZERO(pthread_join(thread, NULL));
  return done();
}
