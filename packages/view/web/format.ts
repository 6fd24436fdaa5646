/** Numbers for people. */

const GROUPED = new Intl.NumberFormat('en-US');

export function count(value: number): string {
  return GROUPED.format(value);
}

/** `1 task`, `2 tasks` */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `1.2M` for axes and tight places. */
export function compact(value: number): string {
  if (value < 1000) return Number.isInteger(value) ? String(value) : value.toPrecision(2);
  for (const [size, letter] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size) return `${trimmed(value / size, 3)}${letter}`;
  }
  return String(value);
}

function trimmed(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  if (text.includes('e+')) return String(Math.round(value));
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

const SPANS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
] as const;

/** A length of time in its best unit: `1.25 ms`, `2 min 5 s`. */
export function span(ns: number): string {
  if (ns === 0) return '0';
  if (ns >= 3600e9) {
    const minutes = Math.round(ns / 60e9);
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  if (ns >= 120e9) {
    const seconds = Math.round(ns / 1e9);
    return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
  for (const [size, unit] of SPANS) {
    if (ns >= size) return `${trimmed(ns / size, 3 + (ns / size >= 1000 ? 1 : 0))} ${unit}`;
  }
  return `${trimmed(ns, 2)} ns`;
}

/** A moment since the recording began, to the microsecond: `12.034567`, `1:02:03.456789`. */
export function moment(ns: number): string {
  const micros = Math.round(ns / 1e3);
  const fraction = String(micros % 1e6).padStart(6, '0');
  const seconds = Math.floor(micros / 1e6);
  if (seconds < 60) return `${seconds}.${fraction}`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}.${fraction}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}.${fraction}`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = -1;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${trimmed(size, size >= 1000 ? 4 : 3)} ${units[unit]!}`;
}

const SIGNALS = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU ' +
  'URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
).split(' ');

/** A wait status: `exited with 0`, `killed by SIGKILL`. */
export function ending(status: number): string {
  const signal = status & 0x7f;
  if (signal === 0) return `exited with ${(status >> 8) & 0xff}`;
  return `killed by ${SIGNALS[signal - 1] === undefined ? `signal ${signal}` : `SIG${SIGNALS[signal - 1]!}`}`;
}
