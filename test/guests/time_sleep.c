/* nanosleep and clock_nanosleep: relative, absolute, in the past, interrupted with the rest of the time stored. */
#include "guest.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  CHECK_SYS(clock_gettime(clock, &t));
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void handler(int signo) { (void)signo; }

int main(void) {
  struct timespec rest;
  memset(&rest, 0xee, sizeof(rest));
  struct timespec untouched = rest;
  int64_t start = now_ns(CLOCK_MONOTONIC);
  CHECK_SYS(nanosleep(&(struct timespec){.tv_nsec = 3000000}, &rest));
  int64_t slept = now_ns(CLOCK_MONOTONIC) - start;
  CHECK(slept >= 3000000 && memcmp(&rest, &untouched, sizeof(rest)) == 0);
  printf("slept %lld ns\n", (long long)slept);

  static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
  for (int i = 0; i < 4; i++) {
    int64_t until = now_ns(clocks[i]) + 2000000;
    struct timespec at = {until / 1000000000, until % 1000000000};
    CHECK_ZERO(clock_nanosleep(clocks[i], TIMER_ABSTIME, &at, NULL));
    int64_t now = now_ns(clocks[i]);
    CHECK(now >= until);
    printf("late by %lld ns\n", (long long)(now - until));
  }
  CHECK_ZERO(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
  CHECK_ZERO(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0}, NULL));
  CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000000000}, NULL) == EINVAL);
  CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &(struct timespec){0, 1}, NULL) == EINVAL);
  CHECK_ERRNO(nanosleep(&(struct timespec){-1, 0}, NULL), EINVAL);

  struct sigaction action = {.sa_handler = handler};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  /* Repeated, in case the first one comes before the call sleeps. */
  struct itimerval timer = {.it_value.tv_usec = 3000, .it_interval.tv_usec = 500000}, off = {0};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  CHECK_ERRNO(nanosleep(&(struct timespec){.tv_sec = 100}, &rest), EINTR);
  /* The signal may be pending when the call begins; the rest then counts the timer's slack, which is 50 us. */
  CHECK(rest.tv_sec >= 50 && rest.tv_sec <= 100);
  printf("rest %lld.%09ld\n", (long long)rest.tv_sec, rest.tv_nsec);
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  CHECK(clock_nanosleep(CLOCK_BOOTTIME, 0, &(struct timespec){.tv_sec = 100}, &rest) == EINTR);
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  printf("rest %lld.%09ld\n", (long long)rest.tv_sec, rest.tv_nsec);
  CHECK_SYS(usleep(1000));
  return done();
}
