/** Clocks, timers and times. */
import { choice, flags, signedChoice, type NumberPrinter } from './flags.js';
import * as names from './names/time.js';
import { boxed, struct, type Structs } from './struct.js';
import { hex, i32, i64, u32 } from './words.js';

export const timeFormats: Readonly<Record<string, NumberPrinter>> = {
  clockid: signedChoice(names.CLOCKID),
  timer_flags: flags(names.TIMER_FLAGS),
  timerfd_create_flags: flags(names.TIMERFD_CREATE_FLAGS),
  itimer_which: choice(names.ITIMER_WHICH),
};

export const timerfdFlags = flags(names.TIMERFD_FLAGS);

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

export function timespec(bytes: Uint8Array, at: number): string {
  return `{tv_sec=${i64(bytes, at)}, tv_nsec=${i64(bytes, at + 8)}}`;
}

export function timeval(bytes: Uint8Array, at: number): string {
  return `{tv_sec=${i64(bytes, at)}, tv_usec=${i64(bytes, at + 8)}}`;
}

/** A time for utimensat, which has two that are none. */
export const utimeTimespec = struct(16, (bytes, at) => {
  const nanoseconds = i64(bytes, at + 8);
  if (nanoseconds === UTIME_NOW) return 'UTIME_NOW';
  if (nanoseconds === UTIME_OMIT) return 'UTIME_OMIT';
  return timespec(bytes, at);
});

const timezone = struct(
  8,
  (bytes, at) => `{tz_minuteswest=${i32(bytes, at)}, tz_dsttime=${i32(bytes, at + 4)}}`,
);

export const timeStructs: Structs = {
  timespec: struct(16, timespec),
  timeval: struct(16, timeval),
  timezone,
  itimerspec: struct(
    32,
    (bytes, at) => `{it_interval=${timespec(bytes, at)}, it_value=${timespec(bytes, at + 16)}}`,
  ),
  itimerval: struct(
    32,
    (bytes, at) => `{it_interval=${timeval(bytes, at)}, it_value=${timeval(bytes, at + 16)}}`,
  ),
  utimbuf: struct(16, (bytes, at) => `{actime=${i64(bytes, at)}, modtime=${i64(bytes, at + 8)}}`),
  tms: struct(
    32,
    (bytes, at) =>
      `{tms_utime=${i64(bytes, at)}, tms_stime=${i64(bytes, at + 8)}, ` +
      `tms_cutime=${i64(bytes, at + 16)}, tms_cstime=${i64(bytes, at + 24)}}`,
  ),
  timex: struct(
    208,
    (bytes, at) =>
      `{modes=${hex(u32(bytes, at))}, offset=${i64(bytes, at + 8)}, freq=${i64(bytes, at + 16)}, ` +
      `maxerror=${i64(bytes, at + 24)}, esterror=${i64(bytes, at + 32)}, ` +
      `status=${hex(u32(bytes, at + 40))}, ...}`,
  ),
  time_t: boxed(8, (bytes, at) => String(i64(bytes, at))),
};
