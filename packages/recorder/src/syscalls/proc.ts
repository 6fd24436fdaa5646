import { Reg, Sys } from '@scribe-ts/core-native';
import { buffersOf, type CallBuffer } from '../holes.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import type { EntryHook } from './hook.js';

// What /proc tells of a task because it is recorded is told as it would be without us.

/** These files are not longer, bytes. */
const MAX_FILE = 0x10000;
const TASK_FILE = /^\/proc\/(\d+)(?:\/task\/(\d+))?\/(status|stat|wchan)$/;

function readEntry(session: Session, task: Task): boolean {
  const file = task.files.get(task.tid, Number(task.args[0]) | 0);
  if (file === undefined || !file.path.startsWith('/proc/')) return false;
  const match = TASK_FILE.exec(file.path);
  if (match === null) return false;
  const target = session.tasks.get(Number(match[2] ?? match[1]));
  if (target === undefined) return false;
  // It waits for nobody, and what it stores is changed before anybody may see it.
  task.mayYield = false;
  task.planned = undefined;
  // What is shorter afterwards must leave behind it what was there before.
  const buffers = buffersOf(session, task, task.args);
  const before = load(session, task, buffers);
  task.onExit = () => {
    const size = task.result;
    if (typeof size === 'number' && size > 0 && size <= before.length)
      hideRecording(session, task, target, match[3]!, buffers, before.subarray(0, size));
    recordSyscall(session, task);
  };
  return false;
}

/** What is in the buffers, of what a file can fill. */
function load(session: Session, task: Task, buffers: readonly CallBuffer[]): Buffer {
  let room = MAX_FILE;
  const parts: Buffer[] = [];
  for (const { addr, size } of buffers) {
    const part = Buffer.alloc(Math.max(0, Math.min(size, room)));
    session.tracer.readMemory(task.tid, addr, part, 0, part.length);
    parts.push(part);
    room -= part.length;
  }
  return Buffer.concat(parts);
}

function hideRecording(
  session: Session,
  task: Task,
  target: Task,
  name: string,
  buffers: readonly CallBuffer[],
  /** What the call has filled, as it was. */
  before: Buffer,
): void {
  const { tracer, regs } = session;
  const filled = load(session, task, buffers).subarray(0, before.length);
  const ordinary = Buffer.from(rewrite(session, target, name, filled.toString('latin1')), 'latin1');
  if (ordinary.length > filled.length || ordinary.equals(filled)) return;
  const bytes = Buffer.concat([ordinary, before.subarray(ordinary.length)]);
  let done = 0;
  for (const { addr, size } of buffers) {
    const length = Math.min(size, bytes.length - done);
    tracer.writeMemory(task.tid, addr, bytes, done, length);
    done += length;
  }
  task.result = ordinary.length;
  tracer.getRegs(task.tid);
  regs.set(Reg.rax, ordinary.length);
  tracer.setRegs(task.tid);
  task.exitRegs.set(regs.halves);
}

function rewrite(session: Session, target: Task, name: string, text: string): string {
  const isStopped = target.state === TaskState.Stopped;
  if (name === 'wchan') return text === 'ptrace_stop' ? '0' : text;
  if (name === 'stat') return text.replace(/^(\d+ \(.*\)) t /s, `$1 ${isStopped ? 'T' : 'S'} `);
  const cpus = target.cpus ?? session.cpus.allowed;
  return text
    .replace(/^TracerPid:\t\d+$/m, 'TracerPid:\t0')
    .replace(
      /^State:\tt \(tracing stop\)$/m,
      `State:\t${isStopped ? 'T (stopped)' : 'S (sleeping)'}`,
    )
    .replace(
      /^Cpus_allowed:\t([0-9a-f,]+)$/m,
      (_, mask: string) => `Cpus_allowed:\t${maskOf(cpus, mask)}`,
    )
    .replace(/^Cpus_allowed_list:\t[0-9,-]+$/m, `Cpus_allowed_list:\t${listOf(cpus)}`);
}

/** The CPUs as a mask in hexadecimal, of the form that `like` has. */
function maskOf(cpus: readonly number[], like: string): string {
  let mask = 0n;
  for (const cpu of cpus) mask |= 1n << BigInt(cpu);
  let digits = mask.toString(16).padStart(like.replaceAll(',', '').length, '0');
  return [...like]
    .map((char) => {
      if (char === ',') return char;
      const digit = digits[0]!;
      digits = digits.slice(1);
      return digit;
    })
    .join('');
}

/** '0-3,6' */
function listOf(cpus: readonly number[]): string {
  const ranges: string[] = [];
  for (let i = 0; i < cpus.length; i++) {
    const first = cpus[i]!;
    while (cpus[i + 1] === cpus[i]! + 1) i++;
    ranges.push(cpus[i] === first ? `${first}` : `${first}-${cpus[i]!}`);
  }
  return ranges.join(',');
}

export const procEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.read]: readEntry,
  [Sys.pread64]: readEntry,
  [Sys.readv]: readEntry,
  [Sys.preadv]: readEntry,
};
