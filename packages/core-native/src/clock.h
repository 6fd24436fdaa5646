#pragma once

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// CLOCK_MONOTONIC, not through the vDSO: where rdtsc traps (own_traps.h) that takes 50 microseconds.
inline int64_t monotonic_ns() {
  timespec now;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1'000'000'000) + now.tv_nsec;
}
