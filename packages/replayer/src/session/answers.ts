import { Reg } from '@scribe-ts/core-native';
import type { TaskUid } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { snapshot } from '../live/state.js';
import { REGISTER_NAMES, stateOf, writeCore } from '../report.js';
import { At, type ReplayTask } from '../tasks.js';
import type { Query } from './protocol.js';
import type { Stacks } from './stacks.js';
import type { MapInfo, RegisterValues, TaskInfo } from './types.js';

/** Bytes that one question may ask for. */
const MAX_LENGTH = 1 << 30;
/** How long a task of another domain may take to come to its next stop. */
const PATIENCE_MS = 1000;

/** A question that has no answer here. `code`: NO_TASK, TASK_GONE, TASK_RUNNING, BAD_ADDRESS or NOT_KEPT. */
export class QueryError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'QueryError';
  }
}

/** Answers a question about a replay that stands still. Throws QueryError. */
export function answer(engine: Engine, stacks: Stacks, query: Query): unknown {
  if (query.kind === 'tasks')
    return [...engine.tasks.values()].map((task) => taskInfo(engine, task));
  if (query.kind === 'kernel-state') {
    if (engine.kernel === undefined)
      throw new QueryError('NOT_KEPT', 'the replay was opened without keepKernelState');
    return snapshot(engine.kernel.model);
  }
  const task = liveTask(engine, query.task);
  switch (query.kind) {
    case 'registers':
      return registers(engine, task);
    case 'memory':
      return memory(engine, task, query.addr, query.length);
    case 'string':
      return string(engine, task, query.addr, query.limit);
    case 'maps':
      return maps(stacks, task);
    case 'backtrace':
      loadRegisters(engine, task);
      return stacks.backtrace(task);
    case 'symbolise':
      return stacks.locate(task, query.addr);
    case 'core': {
      loadRegisters(engine, task);
      const notes: string[] = [];
      writeCore(engine, task, stacks.freshMap(task), query.path, (note) => notes.push(note));
      return notes;
    }
  }
}

function liveTask(engine: Engine, uid: TaskUid): ReplayTask {
  const task = engine.tasks.get(uid);
  if (task === undefined)
    throw new QueryError('NO_TASK', `the replay has no task ${uid}, or not yet`);
  if (task.at === At.Dead) throw new QueryError('TASK_GONE', `task ${uid} has ended`);
  return task;
}

/** A task of this domain stands still. One of another may be on its way to its next stop. */
function loadRegisters(engine: Engine, task: ReplayTask): void {
  const deadline = performance.now() + PATIENCE_MS;
  while (!engine.tracer.getRegs(task.tid)) {
    if (performance.now() > deadline)
      throw new QueryError('TASK_RUNNING', `task ${task.uid} is running its own code`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

function registers(engine: Engine, task: ReplayTask): RegisterValues {
  loadRegisters(engine, task);
  return Object.fromEntries(
    REGISTER_NAMES.map((name) => [name, BigInt.asUintN(64, BigInt(engine.regs.get(Reg[name])))]),
  ) as RegisterValues;
}

function memory({ tracer }: Engine, task: ReplayTask, addr: number, length: number): Uint8Array {
  checkRange(addr, length);
  const bytes = new Uint8Array(length);
  const got = tracer.readMemory(task.tid, addr, bytes, 0, length);
  return got === length ? bytes : bytes.slice(0, got);
}

function string({ tracer }: Engine, task: ReplayTask, addr: number, limit: number): string {
  checkRange(addr, limit);
  return Buffer.from(tracer.readString(task.tid, addr, limit)).toString();
}

function checkRange(addr: number, length: number): void {
  if (!Number.isSafeInteger(addr) || addr < 0)
    throw new QueryError('BAD_ADDRESS', `${addr} is not an address`);
  if (!(Number.isInteger(length) && length >= 0 && length <= MAX_LENGTH))
    throw new QueryError('BAD_ADDRESS', `${length} is not a length up to ${MAX_LENGTH}`);
}

function maps(stacks: Stacks, task: ReplayTask): readonly MapInfo[] {
  const map = stacks.freshMap(task);
  return map.mappings.map((mapping) => ({
    start: mapping.start,
    end: mapping.end,
    prot: mapping.prot,
    shared: mapping.shared,
    offset: mapping.inode === 0 ? 0 : mapping.offset,
    path: mapping.inode === 0 ? mapping.name : map.recordedPath(mapping),
  }));
}

function taskInfo(engine: Engine, task: ReplayTask): TaskInfo {
  const program = task.space.program;
  return {
    task: task.uid,
    pid: task.pid,
    tid: task.recordedTid,
    replayTid: task.tid,
    stream: task.domain.stream,
    state: stateOf(engine, task),
    path: program?.path ?? '',
    argv: program?.argv ?? [],
  };
}
