#pragma once

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// A clock, not through the vDSO: where rdtsc traps (own_traps.h) that takes 50 microseconds.
inline int64_t clock_ns(clockid_t clock) {
  timespec now;
  syscall(SYS_clock_gettime, clock, &now);
  return now.tv_sec * INT64_C(1'000'000'000) + now.tv_nsec;
}

inline int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

/// Processor time of the calling thread.
inline int64_t thread_cpu_ns() { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
