/** Clocks and timers: names of the kernel's constants. */
import type { Names } from '../flags.js';

export const CLOCKID: Names = {
  CLOCK_REALTIME: 0,
  CLOCK_MONOTONIC: 1,
  CLOCK_PROCESS_CPUTIME_ID: 2,
  CLOCK_THREAD_CPUTIME_ID: 3,
  CLOCK_MONOTONIC_RAW: 4,
  CLOCK_REALTIME_COARSE: 5,
  CLOCK_MONOTONIC_COARSE: 6,
  CLOCK_BOOTTIME: 7,
  CLOCK_REALTIME_ALARM: 8,
  CLOCK_BOOTTIME_ALARM: 9,
  CLOCK_SGI_CYCLE: 10,
  CLOCK_TAI: 11,
};

export const TIMER_FLAGS: Names = {
  TIMER_ABSTIME: 1,
};

export const TIMERFD_FLAGS: Names = {
  TFD_TIMER_ABSTIME: 1,
  TFD_TIMER_CANCEL_ON_SET: 2,
};

export const TIMERFD_CREATE_FLAGS: Names = {
  TFD_CLOEXEC: 0x80000,
  TFD_NONBLOCK: 0x800,
};

export const ITIMER_WHICH: Names = {
  ITIMER_REAL: 0,
  ITIMER_VIRTUAL: 1,
  ITIMER_PROF: 2,
};
