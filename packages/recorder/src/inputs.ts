import { PAGE_SIZE, type Tracer } from '@scribe-ts/core-native';
import { hasInBesideStrings, inRegions, type SyscallRow } from '@scribe-ts/tracelog';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

/** Of data, the first so many bytes are kept, unless all of it is asked for. */
const DATA_LIMIT = 256;
const STRING_LIMIT = 4096;
/** argv and envp can be very long: so many of their strings are kept. */
const STRINGS_LIMIT = 256;

const ENVIRONMENT: ReadonlySet<string> = new Set(['envp']);

/**
 * Writes what the kernel is going to read through the arguments of the call that the task is entering. Later is too
 * late: the call may store its answer in the same place (poll, ioctl), another thread may store there while it sleeps,
 * and after an exec nothing of it is left.
 */
export function recordInputs(session: Session, task: Task, row: SyscallRow): void {
  const { verbosity } = session.config;
  const { tracer } = session;
  if (verbosity.strings) {
    for (let i = 0; i < row.args.length; i++) {
      if (row.args[i]!.type.kind !== 'string') continue;
      const addr = task.args[i]!;
      if (typeof addr !== 'number' || addr <= 0) continue;
      const bytes = readText(tracer, task.tid, addr);
      if (bytes !== undefined) session.emitData(task, i, bytes.length, bytes);
    }
  }
  if ((!verbosity.data && !verbosity.strings) || !hasInBesideStrings(row.nr)) return;
  session.peekTid = task.tid;
  const peek = row.args.some(({ type }) => type.kind === 'strings')
    ? pagePeek(tracer, task.tid)
    : session.peek;
  const limit = verbosity.wholeData ? Infinity : DATA_LIMIT;
  let strings = 0;
  inRegions(row, task.args, undefined, peek, (addr, size, arg, part) => {
    const { type, name } = row.args[arg]!;
    if (type.kind === 'string') return;
    let length = Math.min(size, limit);
    if (type.kind === 'strings') {
      if (!verbosity.strings) return;
      if (part === 'nested') {
        // The environment is in the image already.
        if (ENVIRONMENT.has(name) || strings++ >= STRINGS_LIMIT) return;
        length = Math.min(size, STRING_LIMIT);
      } else length = 0;
    } else if (!verbosity.data) return;
    session.emitDataAt(task, arg, size, addr, length);
  });
}

/** Reads a page at a time: the strings of an environment lie side by side, and so do the pointers to them. */
function pagePeek(tracer: Tracer, tid: number): Session['peek'] {
  const page = new Uint8Array(PAGE_SIZE);
  let start = -1;
  let got = 0;
  return (addr, length) => {
    const offset = addr % PAGE_SIZE;
    if (offset + length > PAGE_SIZE) {
      const bytes = new Uint8Array(length);
      return tracer.readMemory(tid, addr, bytes, 0, length) === length ? bytes : undefined;
    }
    if (start !== addr - offset) {
      start = addr - offset;
      got = tracer.readMemory(tid, start, page, 0, PAGE_SIZE);
    }
    return offset + length <= got ? page.subarray(offset, offset + length) : undefined;
  };
}

/** Most strings are shorter. */
const text = new Uint8Array(256);

/** A string in a task's memory, a view that is good until the next one; undefined if there is no memory. */
function readText(tracer: Tracer, tid: number, addr: number): Uint8Array | undefined {
  const room = Math.min(text.length, PAGE_SIZE - (addr % PAGE_SIZE));
  const got = tracer.readMemory(tid, addr, text, 0, room);
  if (got === 0) return undefined;
  for (let end = 0; end < got; end++) if (text[end] === 0) return text.subarray(0, end);
  return tracer.readString(tid, addr, STRING_LIMIT);
}
