/** Scribe's form: a line for each call, with what it used nested below it. */
import type { Frame, Mapping, MemoryWrite, TaskUid } from '@scribe-ts/tracelog';
import { Call, type Sockets, type TextLimits } from '../decode/call.js';
import { protection } from '../decode/memory.js';
import { cloneFlags, exitText } from '../decode/process.js';
import { registersText } from '../decode/registers.js';
import { siginfo, signalName } from '../decode/signal.js';
import { printCall, syscallName } from '../decode/syscall.js';
import { quote, quoteUpTo } from '../decode/text.js';
import { hex } from '../decode/words.js';
import { assertNever, printable, quoted, taskNumber } from './common.js';

const SIGINFO_MIN = 28;
const INDENT = '  ';
/** Deeper than this a line would be all indentation. */
const MAX_DEPTH = 12;
const indents = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => INDENT.repeat(depth));
const indent = (depth: number): string => indents[Math.min(depth, MAX_DEPTH)]!;

/** Takes a finished line and the frame it came from. */
export type LineSink = (text: string, frame: Frame) => void;

export class ScribeFormat {
  private readonly call: Call;

  constructor(limits: TextLimits) {
    this.call = new Call(limits);
  }

  /** The lines of a frame that is no detail; `details` are what came before it in its task, `sockets` is where descriptors are followed. */
  lines(frame: Frame, details: readonly Frame[], sink: LineSink, sockets?: Sockets): void {
    if (frame.type !== 'syscall') {
      sink(frameText(frame), frame);
      return;
    }
    const { call } = this;
    call.set(frame, details, sockets);
    sink(printCall(call), frame);
    if (details.length > 0) this.details(details, call.decoded, sink);
  }

  /** Lines of details whose call never came back. */
  orphans(details: readonly Frame[], sink: LineSink): void {
    this.details(details, [], sink);
  }

  /** Each resource holds those after it, and what was done with them. */
  private details(details: readonly Frame[], decoded: readonly Frame[], sink: LineSink): void {
    let depth = 1;
    for (const detail of details) {
      if (detail.type === 'resource') sink(indent(depth++) + frameText(detail), detail);
    }
    const hasData = details.some((detail) => detail.type === 'data');
    for (const detail of details) {
      if (detail.type === 'resource' || decoded.includes(detail)) continue;
      // What reached the output is the data once more.
      if (detail.type === 'output' && hasData) continue;
      sink(indent(depth) + frameText(detail), detail);
    }
  }
}

function tasks(uids: readonly TaskUid[]): string {
  return `[${uids.map(taskNumber).join(', ')}]`;
}

/** One line without the task. */
function frameText(frame: Frame): string {
  switch (frame.type) {
    case 'syscall':
      return syscallName(frame.nr);
    case 'block':
      return `blocked in ${syscallName(frame.nr)}`;
    case 'data':
      return `data: size = ${frame.size}, ${wholeText(frame.bytes, frame.size)}`;
    case 'resource': {
      const text = `resource lock, type = ${frame.kind}, serial = ${frame.serial}`;
      return frame.desc === '' ? text : `${text}, desc = ${printable(frame.desc)}`;
    }
    case 'mapping':
      return `mapping ${mappingText(frame.mapping)}`;
    case 'spawn':
      return (
        `spawn ${taskNumber(frame.child)}, pid = ${frame.pid}, tid = ${frame.tid}, ` +
        `stream = ${frame.stream}, flags = ${cloneFlags(frame.flags >>> 0)}`
      );
    case 'exec':
      return frame.ended.length === 0
        ? `exec, stream = ${frame.stream}`
        : `exec, stream = ${frame.stream}, ended = ${tasks(frame.ended)}`;
    case 'output':
      return `output ${frame.serial}, ${targetName(frame.target)}: size = ${frame.bytes.length}, ${quote(frame.bytes)}`;
    case 'registers':
      return `registers: ${registersText(frame.regs)}`;
    case 'shared-write':
      return (
        `shared write, object = ${frame.object}, offset = ${frame.offset}, object size = ${frame.size}: ` +
        `size = ${frame.bytes.length}, ${quote(frame.bytes)}`
      );
    case 'task-start': {
      const tid = frame.tid === frame.pid ? '' : `, tid = ${frame.tid}`;
      return `task start, pid = ${frame.pid}${tid}, parent = ${taskNumber(frame.parent)}`;
    }
    case 'image':
      return `image ${printable(frame.path)} argv = [${frame.argv.map(quoted).join(', ')}]`;
    case 'signal': {
      const info = frame.siginfo.length >= SIGINFO_MIN ? ` ${siginfo(frame.siginfo, 0)}` : '';
      const exact = frame.point === 'fault' || frame.point === 'anywhere';
      const where = exact ? `, rip = ${hex(frame.rip)}` : '';
      return `signal ${signalName(frame.signo)}${info} at ${frame.point}, ${frame.action}${where}`;
    }
    case 'trap': {
      const [rax, rbx, rcx, rdx] = frame.values;
      if (frame.insn === 'cpuid') {
        return `cpuid = eax ${register(rax)}, ebx ${register(rbx)}, ecx ${register(rcx)}, edx ${register(rdx)}`;
      }
      const time = ((BigInt(rdx >>> 0) << 32n) | BigInt(rax >>> 0)).toString(16);
      return frame.insn === 'rdtsc'
        ? `rdtsc = 0x${time}`
        : `rdtscp = 0x${time}, aux = ${register(rcx)}`;
    }
    case 'kernel-write':
      return `kernel wrote ${frame.writes.map(writeText).join(', ')}`;
    case 'exit':
      return `--- ${exitText(frame.status)}`;
    case 'state':
      return `state${hash('registers', frame.registers)}${hash('memory', frame.memory)}`;
    case 'merge':
      return `stream ${frame.from} goes on in this one`;
    case 'merged':
      return `this stream goes on in stream ${frame.into}`;
    case 'bookmark':
      return `bookmark ${frame.id}`;
    case 'detach':
      return 'detached';
    case 'preempt':
      return `preempted, rip = ${hex(frame.rip)}, after ${Math.round(frame.ran / 1000)} us${frame.counter === 'none' ? '' : `, ${frame.count} ${frame.counter}`}`;
    case 'counters':
      return `counters: ${Object.entries(frame.values)
        .map(([name, value]) => `${printable(name)} = ${value ?? 'unknown'}`)
        .join(', ')}`;
    case 'note':
      return `note: ${printable(frame.text)}`;
    case 'connection':
      return `connection ${frame.id}`;
    default:
      return assertNever(frame);
  }
}

function register(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

function hash(name: string, value: string): string {
  return value === '' ? '' : `, ${name} = ${printable(value)}`;
}

function wholeText(bytes: Uint8Array, size: number): string {
  return quoteUpTo(bytes, size, bytes.length);
}

function targetName(target: number): string {
  if (target === 1) return 'stdout';
  return target === 2 ? 'stderr' : 'terminal';
}

const WRITE_LIMIT = 16;
function writeText(write: MemoryWrite): string {
  const { bytes, addr } = write;
  return `${hex(addr)}: size = ${bytes.length}, ${quoteUpTo(bytes, bytes.length, WRITE_LIMIT)}`;
}

const MAP_SHARED = 1;
function mappingText(mapping: Mapping): string {
  const { start, end, prot, flags, backing } = mapping;
  const shared = (flags & 3) === MAP_SHARED || (flags & 3) === 3;
  const head = `${hex(start)}-${hex(end)} ${protection(prot, shared)}`;
  switch (backing.kind) {
    case 'anonymous':
      return `${head}, anonymous`;
    case 'file':
      return `${head}, file = ${printable(backing.path)}, offset = ${hex(backing.offset)}`;
    case 'shared': {
      const path = backing.path === '' ? '' : `, file = ${printable(backing.path)}`;
      return `${head}, shared object = ${backing.object}${path}, offset = ${hex(backing.offset)}, object size = ${backing.size}`;
    }
    default:
      return assertNever(backing);
  }
}
