/**
 * A small strace for logs: the calls of a recorded program, a line each, or (-c) how often each was made.
 *
 *   node examples/dist/strace.js [-c] LOG [CALL…]
 */
import { getSystemErrorName, parseArgs } from 'node:util';
import {
  type ArgSpec,
  type DataFrame,
  openLog,
  type SyscallFrame,
  syscallTable,
  type Word,
} from '@scribe-ts/tracelog';

const { values, positionals } = parseArgs({
  options: { c: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [path, ...calls] = positionals;
if (path === undefined) {
  console.error('usage: strace [-c] LOG [CALL…]');
  process.exit(2);
}
using log = openLog(path);
if (values.c) count();
else print();

function count(): void {
  const made = new Map<number, number>();
  for (const frame of log.frames(filter())) {
    if (frame.type === 'syscall') made.set(frame.nr, (made.get(frame.nr) ?? 0) + 1);
  }
  for (const [nr, times] of [...made].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(times).padStart(8)} ${nameOf(nr)}`);
  }
}

function print(): void {
  const wanted = new Set(calls);
  // What a call took from memory (paths, buffers) is in the frames of its task just before it.
  const taken = new Map<number, DataFrame[]>();
  for (const frame of log.frames({ type: ['syscall', 'data'] })) {
    if (frame.type === 'data') {
      const list = taken.get(frame.task);
      if (list === undefined) taken.set(frame.task, [frame]);
      else list.push(frame);
    } else if (frame.type === 'syscall') {
      const data = taken.get(frame.task) ?? [];
      taken.delete(frame.task);
      if (wanted.size === 0 || wanted.has(nameOf(frame.nr))) console.log(format(frame, data));
    }
  }
}

/** Only the calls that were asked for. */
function filter() {
  return calls.length === 0
    ? ({ type: 'syscall' } as const)
    : ({ type: 'syscall', syscall: calls } as const);
}

function nameOf(nr: number): string {
  return syscallTable[nr]?.name ?? `syscall_${nr}`;
}

function format(frame: SyscallFrame, data: readonly DataFrame[]): string {
  const specs = syscallTable[frame.nr]?.args ?? [];
  const args = frame.args.map((value, index) => {
    const bytes = data.find(({ arg }) => arg === index)?.bytes;
    return bytes === undefined ? scalar(value, specs[index]) : quote(bytes);
  });
  return `[${frame.task}] ${nameOf(frame.nr)}(${args.join(', ')}) = ${result(frame.result)}`;
}

function scalar(value: Word, spec: ArgSpec | undefined): string {
  switch (spec?.type.kind) {
    case 'fd':
    case 'dirfd':
    case 'int':
      return String(Number(value) | 0);
    case 'uint':
    case 'long':
    case 'ulong':
      return String(value);
    default:
      return value === 0 ? 'NULL' : `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
  }
}

function quote(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, 40)).toString('latin1');
  return JSON.stringify(text) + (bytes.length > 40 ? '…' : '');
}

function result(value: Word): string {
  const failed = typeof value === 'number' && value < 0 && value > -512;
  return failed ? `-1 ${getSystemErrorName(value)}` : String(value);
}
