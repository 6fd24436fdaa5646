/** Clocks, timers and times. */
import type { Word } from '@scribe-ts/tracelog';
import { choice, flags, type NumberPrinter } from './flags.js';
import * as names from './names/time.js';
import { boxed, struct, type Structs } from './struct.js';
import { hex, i32, i64, u32 } from './words.js';

export const timeFormats: Readonly<Record<string, NumberPrinter>> = {
  clockid: choice(names.CLOCKID),
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

/** `1970-01-01T00:00:01.000002+0000`, the time zone being that of whoever reads. */
function dateText(seconds: Word, fraction: string): string {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return '';
  const two = (value: number) => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return (
    ` /* ${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` +
    `T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${fraction}${zone} */`
  );
}

function fractionText(value: Word, digits: number): string {
  return value === 0 ? '' : `.${String(value).padStart(digits, '0')}`;
}

/** A time of a file for utimes. */
export const utimeTimeval = struct(
  16,
  (bytes, at) => timeval(bytes, at) + dateText(i64(bytes, at), fractionText(i64(bytes, at + 8), 6)),
);

/** A time for utimensat, which has two that are none. */
export const utimeTimespec = struct(16, (bytes, at) => {
  const nanoseconds = i64(bytes, at + 8);
  if (nanoseconds === UTIME_NOW) return 'UTIME_NOW';
  if (nanoseconds === UTIME_OMIT) return 'UTIME_OMIT';
  return timespec(bytes, at) + dateText(i64(bytes, at), fractionText(nanoseconds, 9));
});

/** Hundredths of a second, with a comment that says so. */
export function ticks(bytes: Uint8Array, at: number): string {
  const count = i64(bytes, at);
  return count === 0 ? '0' : `${count} /* ${(Number(count) / 100).toFixed(2)} s */`;
}

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
      `{tms_utime=${ticks(bytes, at)}, tms_stime=${ticks(bytes, at + 8)}, ` +
      `tms_cutime=${ticks(bytes, at + 16)}, tms_cstime=${ticks(bytes, at + 24)}}`,
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
