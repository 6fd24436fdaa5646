import {
  ARGUMENT_REGS,
  Errno,
  EventKind,
  parseMaps,
  type ProcMapping,
  Reg,
  Registers,
  Signal,
  SYS_USER_DISPATCH,
} from '@scribe-ts/core-native';
import { syscallTable } from '@scribe-ts/tracelog';
import type { Engine } from './engine.js';
import type { Mismatch } from './divergence.js';
import type { Divergence, ReplayOptions } from './options.js';
import { AddressMap } from './report/address-map.js';
import { backtrace } from './report/backtrace.js';
import { ObjectFiles } from './report/object-files.js';
import { writeCoreFile } from './report/core-file.js';
import type { CoreThread } from './report/core-notes.js';
import { At, type ReplayTask } from './tasks.js';

/** General registers by name, in the order in which people want to see them. */
export const REGISTER_NAMES = [
  'rip',
  'rsp',
  'rbp',
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'orig_rax',
  'eflags',
  'fs_base',
  'gs_base',
] as const;

const AUXV_ENTRY = 16;
/** More arguments, environment and auxiliary entries than a program can have are a destroyed stack. */
const MAX_STACK_WORDS = 1 << 20;

const hex = (value: number | bigint): string =>
  `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;

/**
 * Everything a person needs to see why a replay went another way. The diverged tasks are still there, stopped.
 *
 * What cannot be found out is left empty, and a note says why: a report never fails.
 */
export function describeDivergence(
  engine: Engine,
  mismatch: Mismatch,
  options: ReplayOptions,
): Divergence {
  const { task } = mismatch;
  const notes: string[] = [];
  const attempt = <T>(what: string, fallback: T, part: () => T): T => {
    try {
      return part();
    } catch (error) {
      notes.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return fallback;
    }
  };
  const stopped = new Registers(new Uint32Array(engine.regs.halves.length));
  const here = attempt('no registers', false, () => stop(engine, task, stopped));
  // The report shows the program's own code, and frames that the agent has replayed by now.
  for (const other of engine.byTid.values()) if (other.at === At.Running) engine.agent?.pass(other);
  if (here) attempt('the agent stays in the code', undefined, () => engine.agent?.unpatch(task));
  if (!here) notes.push('the process has ended: there are no registers, no backtrace and no core');
  const registers: Record<string, string> = {};
  if (here) for (const name of REGISTER_NAMES) registers[name] = hex(stopped.get(Reg[name]));
  const nr = here && task.at === At.Entry ? stopped.int(Reg.orig_rax) : undefined;
  const files = new ObjectFiles();
  const map = here
    ? attempt(
        'no address map',
        undefined,
        () => new AddressMap(task.tid, engine.recordedPaths, files),
      )
    : undefined;
  const lines =
    map === undefined
      ? []
      : attempt('no backtrace', [], () =>
          backtrace(
            engine.tracer,
            task.tid,
            stopped,
            map,
            nr === undefined ? 'instruction' : 'syscall',
          ).map(({ address, object, symbol, offset }) => ({
            address: hex(address),
            object,
            symbol: symbol === '' ? '' : `${symbol}+${hex(offset)}`,
          })),
        );
  const core =
    map === undefined
      ? ''
      : attempt('no core file', '', () => {
          const path = options.corePath ?? `${options.log}.core`;
          writeCore(engine, task, map, path, (note) => notes.push(note));
          return path;
        });
  files.close();
  return {
    kind: mismatch.kind,
    message: mismatch.message,
    task: task.uid,
    pid: task.pid,
    tid: task.recordedTid,
    expected: mismatch.frame,
    actual: {
      event: mismatch.actual,
      nr,
      args: nr === undefined ? undefined : callArguments(nr, stopped),
      signo: here && task.at === At.Fault ? task.signo : undefined,
      rip: registers.rip ?? '',
    },
    registers,
    backtrace: lines,
    history: [task, ...engine.rememberedTasks().filter((other) => other !== task)].map((other) => ({
      task: other.uid,
      pid: other.pid,
      tid: other.recordedTid,
      state: attempt(`no state of task ${other.uid}`, '', () => stateOf(engine, other)),
      frames: other.history.frames(),
    })),
    core,
    notes,
  };
}

function callArguments(nr: number, regs: Registers): readonly (number | bigint)[] {
  const count = syscallTable[nr]?.args.length ?? ARGUMENT_REGS.length;
  return ARGUMENT_REGS.slice(0, count).map((reg) => regs.get(reg));
}

/** Brings a task to a stop, where it is not in one, and loads its registers. False if it is gone. */
function stop(engine: Engine, task: ReplayTask, into: Registers): boolean {
  const { tracer, regs } = engine;
  const { tid } = task;
  if (!tracer.getRegs(tid)) {
    // It runs: ptrace reads the registers of stopped tasks alone.
    if (!tracer.interruptTask(tid)) return false;
    const kind = tracer.waitFor(tid);
    if (kind === EventKind.Exited || kind === EventKind.NoTracees || !tracer.getRegs(tid))
      return false;
  }
  if (task.dispatching && (task.at === At.Entry || isDispatchStop(engine, task))) {
    // Dispatch leaves the number there, any other stop at an entry this.
    regs.set(Reg.rax, -Errno.ENOSYS);
    tracer.setRegs(tid);
  }
  into.load(regs.halves);
  return true;
}

/** Whether dispatch has stopped a task, which may be on its way to a point still. */
function isDispatchStop({ tracer }: Engine, { tid }: ReplayTask): boolean {
  const siginfo = tracer.getSiginfo(tid);
  const [signo, , code] = new Int32Array(siginfo.buffer, siginfo.byteOffset, 3);
  return signo === Signal.SIGSYS && code === SYS_USER_DISPATCH;
}

/** Where a task stands, for people. */
export function stateOf({ tracer, regs }: Engine, task: ReplayTask): string {
  switch (task.at) {
    case At.Start:
      return 'not started';
    case At.User:
      return 'after its last call';
    case At.Entry: {
      if (!tracer.getRegs(task.tid)) return 'gone';
      const nr = regs.int(Reg.orig_rax);
      return `about to call ${syscallTable[nr]?.name ?? `system call ${nr}`}`;
    }
    case At.Fault:
      return `stopped by signal ${task.signo}`;
    case At.Running:
      return 'running';
    case At.Exec:
    case At.Stub:
      return 'executing a program';
    case At.Dead:
      return 'ended';
  }
}

/** Writes a core file of a task's process, its thread first. `note` is told what the file lacks. Throws if it cannot be written. */
export function writeCore(
  engine: Engine,
  task: ReplayTask,
  map: AddressMap,
  path: string,
  note: (text: string) => void,
): void {
  const { tracer } = engine;
  const { program } = task.space;
  if (program === undefined || task.at === At.Exec || task.at === At.Stub)
    throw new Error('the process has no program yet');
  const others = [...engine.tasks.values()].filter(
    (other) => other !== task && other.pid === task.pid && other.space === task.space,
  );
  const threads: CoreThread[] = [];
  for (const member of [task, ...others]) {
    if (member.at === At.Dead) continue;
    const thread = coreThread(engine, member);
    if (thread === undefined)
      note(`the core file lacks thread ${member.recordedTid}, which is gone`);
    else threads.push(thread);
  }
  const fileMappings = map.mappings
    .map((mapping) => ({ mapping, path: map.recordedPath(mapping) }))
    .filter((file) => file.path !== '');
  writeCoreFile({
    tracer,
    tid: task.tid,
    process: {
      pid: task.pid,
      path: program.path,
      argv: program.argv,
      auxv: auxiliaryVector(engine, task, program.stack, parseMaps(task.tid)),
      files: fileMappings.map(({ mapping: { start, end, offset }, path: recorded }) => ({
        start,
        end,
        offset,
        path: recorded,
      })),
      threads,
    },
    mappings: map.mappings,
    path,
    note,
  });
}

function coreThread(engine: Engine, task: ReplayTask): CoreThread | undefined {
  const { tracer } = engine;
  const { tid } = task;
  const saved = new Registers(new Uint32Array(engine.regs.halves.length));
  if (!stop(engine, task, saved)) return undefined;
  const { buffer, byteOffset, byteLength } = saved.halves;
  const faulted = task.at === At.Fault;
  return {
    tid: task.recordedTid,
    regs: new Uint8Array(buffer, byteOffset, byteLength),
    xstate: tracer.getXstate(tid),
    signo: faulted ? task.signo : 0,
    siginfo: faulted ? tracer.getSiginfo(tid) : new Uint8Array(0),
  };
}

/** The auxiliary vector the program was started with, from above its arguments and environment; empty if it is not there. */
function auxiliaryVector(
  { tracer }: Engine,
  { tid }: ReplayTask,
  stack: number,
  mappings: readonly ProcMapping[],
): Uint8Array {
  const mapping = mappings.find(({ start, end }) => stack >= start && stack < end);
  if (mapping === undefined) return new Uint8Array(0);
  const size = Math.min(mapping.end - stack, 8 * MAX_STACK_WORDS);
  const bytes = Buffer.alloc(size);
  const got = tracer.readMemory(tid, stack, bytes, 0, size);
  const isZero = (at: number): boolean =>
    bytes.readUInt32LE(at) === 0 && bytes.readUInt32LE(at + 4) === 0;
  // argc, argv, NULL, envp, NULL
  let at = 8;
  for (let ends = 0; ends < 2 && at + 8 <= got; at += 8) if (isZero(at)) ends++;
  for (let end = at; end + AUXV_ENTRY <= got; end += AUXV_ENTRY) {
    if (isZero(end)) return bytes.subarray(at, end + AUXV_ENTRY);
  }
  return new Uint8Array(0);
}
