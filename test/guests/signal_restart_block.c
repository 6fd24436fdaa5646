/* Sleeps interrupted by a stop and a continue go on for the rest of their time: ERESTART_RESTARTBLOCK. */
#include "guest_tasks.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

enum { SLEEP_MS = 60 };

static volatile int word;

static long by_nanosleep(void) { return nanosleep(&(struct timespec){0, SLEEP_MS * 1000000L}, NULL); }
static long by_clock_nanosleep(void) {
  struct timespec time;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &time));
  time.tv_nsec += SLEEP_MS * 1000000L;
  time.tv_sec += time.tv_nsec / 1000000000;
  time.tv_nsec %= 1000000000;
  return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}
static long by_poll(void) { return poll(NULL, 0, SLEEP_MS); }
static long by_futex(void) {
  struct timespec time = {0, SLEEP_MS * 1000000L};
  return raw_syscall(SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 0, (long)&time, 0, 0) == -ETIMEDOUT ? 0 : -1;
}
static long by_select(void) {
  struct timeval time = {0, SLEEP_MS * 1000};
  return select(0, NULL, NULL, NULL, &time);
}
/* No restart, not even without a handler; a known oddity. */
static long by_epoll(void) {
  struct epoll_event event;
  return epoll_wait(epoll_create1(0), &event, 1, SLEEP_MS);
}

static const struct {
  const char *name;
  long (*sleep)(void);
  int restarts;
} sleeps[] = {
    {"nanosleep", by_nanosleep, 1}, {"clock_nanosleep", by_clock_nanosleep, 1},
    {"poll", by_poll, 1},           {"futex", by_futex, 1},
    {"select", by_select, 1},       {"epoll_wait", by_epoll, 0},
};

int main(void) {
  for (size_t i = 0; i < sizeof(sleeps) / sizeof(sleeps[0]); i++) {
    struct gate ready = gate_make();
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      gate_open(ready);
      int64_t start = now_us();
      errno = 0;
      long result = sleeps[i].sleep();
      int64_t slept = now_us() - start;
      printf("%s: %ld %s after %ld us\n", sleeps[i].name, result, strerrorname_np(errno), (long)slept);
      if (!sleeps[i].restarts)
        CHECK(result == 0 || errno == EINTR);
      else
        CHECK(result == 0 && slept >= SLEEP_MS * 1000);
      _exit(0);
    }
    gate_wait(ready);
    wait_blocked(pid);
    int status;
    for (int stops = 0; stops < 2; stops++) {
      CHECK_SYS(kill(pid, SIGSTOP));
      CHECK(waitpid(pid, &status, WUNTRACED) == pid);
      if (!WIFSTOPPED(status))
        break;
      nap_us(3000);
      CHECK_SYS(kill(pid, SIGCONT));
      nap_us(2000);
    }
    if (WIFSTOPPED(status))
      CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    gate_close(ready);
  }
  return done();
}
