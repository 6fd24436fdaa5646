/*
 * Every clock, through the C library (vDSO) and by the raw call: values, resolutions, never backwards where promised.
 */
#include "guest.h"

#include <sys/syscall.h>
#include <time.h>

static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

int main(void) {
  for (clockid_t clock = 0; clock < 16; clock++) {
    struct timespec library = {-1, -1}, raw = {-1, -1}, resolution = {-1, -1};
    int result = clock_gettime(clock, &library);
    int error = result == -1 ? errno : 0;
    long raw_result = syscall(SYS_clock_gettime, clock, &raw);
    CHECK(result == raw_result);
    printf("clock %d: %lld.%09ld %lld.%09ld errno %d", clock, (long long)library.tv_sec, library.tv_nsec,
           (long long)raw.tv_sec, raw.tv_nsec, error);
    if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME)
      CHECK(ns(raw) >= ns(library));
    result = clock_getres(clock, &resolution);
    printf(" resolution %d %lld.%09ld\n", result, (long long)resolution.tv_sec, resolution.tv_nsec);
    CHECK(result == syscall(SYS_clock_getres, clock, NULL));
  }

  int64_t last = 0;
  for (int i = 0; i < 5000; i++) {
    struct timespec now;
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    CHECK(ns(now) >= last);
    last = ns(now);
    MIX(now);
  }

  clockid_t own, child_clock;
  CHECK_ZERO(clock_getcpuclockid(getpid(), &own));
  struct timespec used, again;
  CHECK_SYS(clock_gettime(own, &used));
  CHECK_SYS(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &again));
  CHECK(ns(again) >= ns(used) && ns(used) > 0);
  MIX(own);
  int ends[2];
  CHECK_SYS(pipe(ends));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(read(ends[0], (char[1]){0}, 1) == 1);
    _exit(0);
  }
  CHECK_ZERO(clock_getcpuclockid(child, &child_clock));
  CHECK_SYS(clock_gettime(child_clock, &used));
  printf("the child used %lld ns\n", (long long)ns(used));
  CHECK(write(ends[1], "!", 1) == 1);
  wait_ok(child);
  CHECK_ERRNO(clock_gettime(child_clock, &used), EINVAL);
  CHECK_ERRNO(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8L), EFAULT);
  int result = clock_settime(CLOCK_MONOTONIC, &used);
  CHECK(result == -1);
  return done();
}
