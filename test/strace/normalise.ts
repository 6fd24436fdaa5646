/**
 * Two traces of one program differ in what its two runs differed in. Each step here takes out one such thing, and is
 * named by what it takes out; whatever they leave is to be the same.
 */

/** The lines of one task, in the order in which they came. */
export interface TaskTrace {
  /** Its place in the tree of tasks: `0`, `0.1` its second child, `0.1.0`. */
  readonly key: string;
  readonly pid: number;
  readonly lines: string[];
}

/** A line of a trace, and whose it is. */
export interface Line {
  readonly pid: number;
  readonly text: string;
}

/** `strace -f -o`: a process id before each line. */
export function parseStrace(text: string): Line[] {
  const lines: Line[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\d+) +(.*)$/.exec(line);
    if (match !== null) lines.push({ pid: Number(match[1]), text: match[2]! });
  }
  return lines;
}

const SPAWN = /^(?:clone3?|v?fork)\(.*\) += (\d+)$/;
function spawned(text: string): number | undefined {
  const match = SPAWN.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** unfinished calls: `<unfinished ...>` and `<... resumed>` become one line, where the call ended. */
export function join(lines: readonly Line[]): Line[] {
  const open = new Map<number, string>();
  const joined: Line[] = [];
  for (const { pid, text } of lines) {
    const begun = /^(.*?) ?<unfinished \.\.\.>(\) *= \?)?$/.exec(text);
    if (begun !== null && begun[2] === undefined) {
      open.set(pid, begun[1]!);
      continue;
    }
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(text);
    if (resumed !== null) joined.push({ pid, text: (open.get(pid) ?? '') + resumed[2]! });
    else joined.push({ pid, text });
    open.delete(pid);
  }
  return joined;
}

/** order between tasks: each has its own list of normalised lines, named by its place in the tree of tasks. */
export function byTask(lines: readonly Line[]): TaskTrace[] {
  const keys = new Map<number, string>();
  const children = new Map<number, number>();
  const root = lines[0]?.pid ?? 0;
  keys.set(root, '0');
  for (const { pid, text } of lines) {
    const child = spawned(text);
    // In a pid namespace of its own a child has another id for its parent than for the tracer.
    if (child === undefined || keys.has(child)) continue;
    const nth = children.get(pid) ?? 0;
    children.set(pid, nth + 1);
    keys.set(child, `${keys.get(pid) ?? '?'}.${nth}`);
  }
  const traces = new Map<number, TaskTrace>();
  for (const { pid, text } of lines) {
    let trace = traces.get(pid);
    if (trace === undefined) {
      trace = { key: keys.get(pid) ?? '?', pid, lines: [] };
      traces.set(pid, trace);
    }
    trace.lines.push(outside(named(normalise(text), keys)));
  }
  return [...traces.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

/**
 * process ids: those of traced tasks get their places in the tree. Other numbers may be the same by chance, so that they
 * are still told, and lines are normalised before: a step would not know its number again.
 */
function named(text: string, keys: ReadonlyMap<number, string>): string {
  return text.replace(/\b[1-9]\d{1,6}\b/g, (digits) => {
    const key = keys.get(Number(digits));
    return key === undefined ? digits : `<task ${key}=${digits}>`;
  });
}

const NUMBERS = /(<task [\d.?]+=\d+>|\d+)/;

/** Whether two lines are the same: ids of the same task are, and equal numbers, though one may also be somebody's id. */
export function isSame(one: string, other: string): boolean {
  if (one === other) return true;
  if (!one.includes('<task ') && !other.includes('<task ')) return false;
  const left = one.split(NUMBERS);
  const right = other.split(NUMBERS);
  return (
    left.length === right.length &&
    left.every((part, i) => {
      const [, key, digits = part] = TASK.exec(part) ?? [];
      const [, otherKey, otherDigits = right[i]!] = TASK.exec(right[i]!) ?? [];
      return digits === otherDigits || (key !== undefined && key === otherKey);
    })
  );
}
const TASK = /^<task ([\d.?]+)=(\d+)>$/;

/** the program's start: what the dynamic loader does depends on the CPU's features, some of which are hidden from it. */
export function withoutStart(lines: readonly string[]): string[] {
  const left: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    left.push(lines[i]!);
    if (!/^execve(at)?\(.* = 0$/.test(lines[i]!)) continue;
    // Its last call takes the mapping of ld.so.cache away again.
    const end = lines.findIndex((line, at) => at > i && line.startsWith('munmap('));
    const next = lines.findIndex((line, at) => at > i && line.startsWith('execve('));
    if (end > 0 && (next < 0 || end < next) && end - i < LOADER_CALLS) i = end;
  }
  return left;
}
const LOADER_CALLS = 200;

const READ = /^read\((\d+), "((?:[^"\\]|\\.)*)", (\d+)\) = (\d+)$/;

/**
 * pieces in which a terminal gives what it has: a worker of the kernel's moves it from one end to the other, and a reader may
 * come in between. Reads of a piece and of the rest of the same buffer become one.
 */
export function withWholeReads(lines: readonly string[]): string[] {
  const whole: string[] = [];
  for (const line of lines) {
    const [, fd, text, room, got] = READ.exec(line) ?? [];
    const [, fdBefore, textBefore, roomBefore, gotBefore] = READ.exec(whole.at(-1) ?? '') ?? [];
    const left = Number(roomBefore) - Number(gotBefore);
    if (fd !== undefined && fd === fdBefore && Number(room) === left && left > 0) {
      const all = Number(gotBefore) + Number(got);
      whole[whole.length - 1] = `read(${fd}, "${textBefore}${text}", ${roomBefore}) = ${all}`;
    } else whole.push(line);
  }
  return whole;
}

type Step = readonly [name: string, pattern: RegExp, replacement: string];

const STEPS: readonly Step[] = [
  ['column of the result', /\) +(= )/g, ') $1'],
  ['addresses', /0x[0-9a-f]{9,16}\b/g, 'ADDR'],
  [
    'addresses of the heap of programs that are not position independent',
    /^(brk\()\w+(\) = )\w+$/,
    '$1ADDR$2ADDR',
  ],
  ['times of the clock', /tv_sec=\d{4,}, tv_([nu])sec=\d+/g, 'tv_sec=TIME, tv_$1sec=TIME'],
  // The clock of a machine that has just been started has few digits.
  [
    'times of the clock',
    /^(clock_(?:gettime|nanosleep)\(CLOCK_(?:MONOTONIC|BOOTTIME)\w*, (?:TIMER_ABSTIME, )?)\{tv_sec=\d+, tv_nsec=\d{3,}\}/,
    '$1{tv_sec=TIME, tv_nsec=TIME}',
  ],
  ['time that was left', /(left )\{tv_sec=\d+, tv_([nu])sec=\d+\}/g, '$1{LEFT}'],
  ['time that was left', /^((?:clock_)?nanosleep\(.*\}, )\{tv_sec=\d+, tv_nsec=\d+\}/, '$1{LEFT}'],
  ['time that was left', /(it_value=)\{tv_sec=\d+, tv_[nu]sec=\d{4,}\}/g, '$1{LEFT}'],
  ['keys made from process ids', /^((?:msg|sem|shm)get\()0x7f[0-9a-f]{6}/, '$1KEY'],
  [
    'numbers of System V objects',
    /^((?:msg|sem|shm)ctl\(.*, (?:IPC|MSG|SEM|SHM)_(?:INFO|STAT), .* = )\d+$/,
    '$1ID',
  ],
  ['times of the clock', /(tv_[nu]sec=TIME\}) \/\* [^*]+ \*\//g, '$1'],
  ['addresses', /^(getdents(?:64)?\(\d+, )0x\w+/, '$1ADDR'],
  ['places of signals', /^(rt_sigreturn\(.*\) = ).*$/, '$1RESULT'],
  ['names of temporary files', /(\/guest\.)\w{6}/g, '$1NAME'],
  ['random bytes', /^(getrandom\(")(?:\\x[0-9a-f]{2})*(".*)$/, '$1RANDOM$2'],
  ['checksums', /(checksum )[0-9a-f]{16}/, '$1SUM'],
  ['ports that the kernel chose', /htons\((3[2-9]|[45]\d|6[0-6])\d{3}\)/g, 'htons(PORT)'],
  ['free room of file systems', /(f_bfree|f_bavail|f_ffree|f_files)=\d+/g, '$1=N'],
  ['CPU time', /(si_utime|si_stime|tms_\w+)=\d+(?: \/\* [\d.]+ s \*\/)?/g, '$1=TIME'],
  ['CPU time', /(ru_[us]time)=\{tv_sec=\d+, tv_usec=\d+\}/g, '$1=TIME'],
  ['CPU time', /^(times\(.*\) = )\d+$/, '$1TICKS'],
  ['CPU time', /^(clock_gettime\(CLOCK_(?:PROCESS|THREAD)_CPUTIME_ID, ).*(\) = 0)$/, '$1TIME$2'],
  ['numbers of System V objects', /^((?:msg|sem|shm)get\(.* = )\d+$/, '$1ID'],
  [
    'numbers of System V objects',
    /^((?:msg(?:ctl|snd|rcv)|sem(?:ctl|op|timedop)|shm(?:ctl|at))\()\d+/,
    '$1ID',
  ],
  ['times of the clock', /((?:shm|msg|sem)_[acdorst]time)=\d+/g, '$1=TIME'],
  ['load of the machine', /^(sched_rr_get_interval\(0, )\{.*\}/, '$1{SLICE}'],
  ['load of the machine', /^sysinfo\(\{.*\}\)/, 'sysinfo({LOAD})'],
  ['numbers of inodes', /\b(pipe|socket|anon_inode|net|mnt|pid):\[\d+\]/g, '$1:[N]'],
];

/** After ids of traced tasks have got their names. */
const OUTSIDE = /^(getppid\(\) = |getsid\(\d+\) = |getpgrp\(\) = |getpgid\(\d+\) = )\d+$/;
const outside = (text: string): string => text.replace(OUTSIDE, '$1PID');

function normalise(line: string): string {
  let text = line;
  for (const [, pattern, replacement] of STEPS) text = text.replace(pattern, replacement);
  return text;
}

/** What is taken out, for the report. */
export const NORMALISATIONS: readonly string[] = [
  'unfinished calls',
  'order between tasks',
  'process ids',
  'ids of processes outside',
  "the program's start",
  'pieces in which a terminal gives what it has',
  ...new Set(STEPS.map(([name]) => name)),
];
