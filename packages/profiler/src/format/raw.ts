/**
 * The raw form: one line a frame, `[NN] type field=value …`, all fields of the frame in the schema's order. Bytes are
 * hexadecimal, strings are JSON, addresses and registers hexadecimal, lists in brackets with commas: a value that is no
 * string has no spaces.
 */
import type { Backing, Frame, Mapping, MemoryWrite, Word } from '@scribe-ts/tracelog';
import { registersText } from '../decode/registers.js';
import { syscallName } from '../decode/syscall.js';
import { assertNever, quoted, taskNumber } from './common.js';

function address(word: Word): string {
  return '0x' + (word >= 0 ? word : BigInt.asUintN(64, BigInt(word))).toString(16);
}

function hexBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function list<T>(items: readonly T[], print: (item: T) => string): string {
  return `[${items.map(print).join(',')}]`;
}

function writeList(writes: readonly MemoryWrite[]): string {
  return list(writes, ({ addr, bytes }) => `${address(addr)}:${bytes.length}:${hexBytes(bytes)}`);
}

function registers(regs: Uint8Array): string {
  return `[${registersText(regs, '=', ',')}]`;
}

function backingText(backing: Backing): string {
  switch (backing.kind) {
    case 'anonymous':
      return 'backing=anonymous';
    case 'file':
      return `backing=file,hash=${backing.hash},offset=${address(backing.offset)},path=${quoted(backing.path)}`;
    case 'shared':
      return (
        `backing=shared,object=${backing.object},offset=${address(backing.offset)},` +
        `size=${backing.size},hash=${backing.hash},path=${quoted(backing.path)}`
      );
    default:
      return assertNever(backing);
  }
}

function mappingText(mapping: Mapping): string {
  return (
    `{start=${address(mapping.start)},end=${address(mapping.end)},prot=${address(mapping.prot)},` +
    `flags=${address(mapping.flags)},${backingText(mapping.backing)}}`
  );
}

function fields(frame: Frame): string {
  switch (frame.type) {
    case 'syscall':
      return (
        ` nr=${frame.nr} name=${syscallName(frame.nr)} args=${list(frame.args, address)} ` +
        `result=${frame.result} writes=${writeList(frame.writes)}`
      );
    case 'block':
      return ` nr=${frame.nr} name=${syscallName(frame.nr)}`;
    case 'mapping':
      return ` mapping=${mappingText(frame.mapping)}`;
    case 'spawn':
      return ` child=${frame.child} stream=${frame.stream} flags=${address(frame.flags)} tid=${frame.tid} pid=${frame.pid}`;
    case 'task-start':
      return ` parent=${frame.parent} tid=${frame.tid} pid=${frame.pid} writes=${writeList(frame.writes)}`;
    case 'exec':
      return ` stream=${frame.stream} ended=${list(frame.ended, String)}`;
    case 'image':
      return (
        ` tid=${frame.tid} pid=${frame.pid} path=${quoted(frame.path)} argv=${list(frame.argv, quoted)} ` +
        `envp=${list(frame.envp, quoted)} mappings=${list(frame.mappings, mappingText)} ` +
        `writes=${writeList(frame.writes)} regs=${registers(frame.regs)} brk=${address(frame.brk)}`
      );
    case 'signal':
      return (
        ` signo=${frame.signo} point=${frame.point} action=${frame.action} siginfo=${hexBytes(frame.siginfo)} ` +
        `rip=${address(frame.rip)} regs=${registers(frame.regs)} writes=${writeList(frame.writes)}`
      );
    case 'trap':
      return ` insn=${frame.insn} rip=${address(frame.rip)} values=${list(frame.values, address)}`;
    case 'kernel-write':
      return ` writes=${writeList(frame.writes)}`;
    case 'shared-write':
      return ` object=${frame.object} offset=${frame.offset} bytes=${hexBytes(frame.bytes)} size=${frame.size}`;
    case 'exit':
      return ` status=${frame.status} last=${frame.last}`;
    case 'state':
      return ` registers=${frame.registers} memory=${frame.memory}`;
    case 'merge':
      return ` from=${frame.from}`;
    case 'merged':
      return ` into=${frame.into}`;
    case 'bookmark':
      return ` id=${frame.id}`;
    case 'detach':
      return '';
    case 'output':
      return ` serial=${frame.serial} target=${frame.target} bytes=${hexBytes(frame.bytes)}`;
    case 'preempt':
      return (
        ` rip=${address(frame.rip)} code=${hexBytes(frame.code)} regs=${registers(frame.regs)} sse=${hexBytes(frame.sse)} vector=${frame.vector} ` +
        `memory=${writeList(frame.memory)} stack=${hexBytes(frame.stack)} pages=${list(frame.pages, address)} ` +
        `pagesHash=${frame.pagesHash} patchable=${frame.patchable} ran=${frame.ran} counter=${frame.counter} count=${frame.count} summed=${list(frame.summed, address)} sums=${hexBytes(frame.sums)}`
      );
    case 'data':
      return ` arg=${frame.arg} size=${frame.size} bytes=${hexBytes(frame.bytes)}`;
    case 'resource':
      return ` kind=${frame.kind} id=${frame.id} serial=${frame.serial} desc=${quoted(frame.desc)}`;
    case 'registers':
      return ` regs=${registers(frame.regs)}`;
    case 'counters':
      return ` values=${list(Object.entries(frame.values), ([name, value]) => `${quoted(name)}:${value}`)}`;
    case 'note':
      return ` text=${quoted(frame.text)}`;
    case 'connection':
      return ` id=${frame.id} local=${hexBytes(frame.local)} peer=${hexBytes(frame.peer)}`;
    default:
      return assertNever(frame);
  }
}

export function rawLine(frame: Frame): string {
  return `[${taskNumber(frame.task)}] ${frame.type} time=${frame.time}${fields(frame)}`;
}
