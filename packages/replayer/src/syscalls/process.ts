import {
  ARGUMENT_REGS,
  Clone,
  EventKind,
  EXEC_SCRATCH,
  PtraceEvent,
  Reg,
  REMOTE_SYSCALL,
  Resume,
  stubPath,
  Sys,
  type Tracer,
} from '@scribe-ts/core-native';
import type { ExitFrame, SpawnFrame } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { At, ReplaySpace, type ReplayTask } from '../tasks.js';

/** Flags that mean the same in replay. Ids are stored from the log, parents wait for nobody, and no signal tells of an end. */
const KEPT_FLAGS =
  Clone.VM | Clone.FS | Clone.FILES | Clone.SIGHAND | Clone.THREAD | Clone.SYSVSEM | Clone.SETTLS;

const WORD = 8;
const WNOHANG = 1;
const WALL = 0x40000000;

/** Starts the first process of a replay, which stands at its exec then. Returns its id. */
export function startStub(tracer: Tracer, stdio: readonly [number, number, number]): number {
  const argv = ['replay'];
  return tracer.spawn({ file: stubPath, argv, envp: [], disableAslr: true, stdio }).tid;
}

/** Makes the recorded child of a task that is stopped at the entry of clone, fork or vfork. */
export function replaySpawn(engine: Engine, task: ReplayTask, frame: SpawnFrame): void {
  const { tracer, regs } = engine;
  // A child's copy of what the parent's agent has is not of the child's stream.
  engine.agent?.disarm(task);
  tracer.getRegs(task.tid);
  const entry = regs.save();
  const nr = regs.int(Reg.orig_rax);
  let stack = 0;
  let tls: number | bigint = 0;
  let clone3: DataView | undefined;
  if (nr === Sys.clone) {
    stack = regs.address(Reg.rsi);
    tls = regs.get(Reg.r8);
  } else if (nr === Sys.clone3) {
    const bytes = new Uint8Array(64);
    tracer.readMemory(task.tid, regs.address(Reg.rdi), bytes, 0, 64);
    clone3 = new DataView(bytes.buffer);
    const base = Number(clone3.getBigUint64(40, true));
    stack = base === 0 ? 0 : base + Number(clone3.getBigUint64(48, true));
    tls = clone3.getBigInt64(56, true);
  }
  const args = ARGUMENT_REGS.map((register) => regs.get(register));
  const { live } = engine;
  const flags = (frame.flags & KEPT_FLAGS) | (live?.spawnFlags(frame) ?? 0);
  regs.set(Reg.rip, REMOTE_SYSCALL);
  regs.set(Reg.rax, Sys.clone);
  regs.set(Reg.orig_rax, -1);
  regs.set(Reg.rdi, flags);
  regs.set(Reg.rsi, stack);
  regs.set(Reg.rdx, 0);
  regs.set(Reg.r10, 0);
  regs.set(Reg.r8, tls);
  const plain = regs.save();
  live?.chooseId(task, frame);
  tracer.setRegs(task.tid);
  let kind = engine.runToStop(task, Resume.Step);
  // From the entry of a call that is not run, the first step only leaves that call.
  if (kind === EventKind.Signal && regs.address(Reg.rip) === REMOTE_SYSCALL)
    kind = engine.runToStop(task, Resume.Step);
  if (kind === EventKind.Signal && live?.spawnFailed(frame, failure(engine, task)) === true) {
    regs.load(plain);
    tracer.setRegs(task.tid);
    kind = engine.runToStop(task, Resume.Step);
  }
  // The event that tells of a child depends on its exit signal.
  const event = tracer.event[2];
  if (kind !== EventKind.Event || (event !== PtraceEvent.Clone && event !== PtraceEvent.Fork))
    throw engine.internal(task, 'clone failed in the replay');
  const childTid = tracer.values[0]!;
  engine.step(task, EventKind.Signal);
  tracer.getRegs(task.tid);
  const ownTid = regs.int(Reg.rax);
  regs.load(entry);
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);

  engine.awaitChild(childTid);
  tracer.getRegs(childTid);
  const fsBase = regs.get(Reg.fs_base);
  regs.load(entry);
  regs.set(Reg.rax, 0);
  regs.set(Reg.orig_rax, -1);
  regs.set(Reg.fs_base, fsBase);
  if (stack !== 0) regs.set(Reg.rsp, stack);
  tracer.setRegs(childTid);
  // The parent's registers are what its syscall frame will be checked against.
  regs.load(entry);
  tracer.setRegs(task.tid);

  const sharesMemory = (frame.flags & Clone.VM) !== 0;
  let { space } = task;
  if (!sharesMemory) {
    space = new ReplaySpace(engine.nextSpace++);
    space.brk = task.space.brk;
    space.startBrk = task.space.startBrk;
    space.program = task.space.program;
    space.isAtHome = task.space.isAtHome;
    space.agent = task.space.agent?.clone();
    for (const [start, segment] of task.space.segments) space.segments.set(start, segment);
    tracer.openMemory(childTid);
  }
  const child = engine.newTask(frame.child, childTid, engine.domain(frame.stream), space);
  child.pid = frame.pid;
  child.recordedTid = frame.tid;
  live?.spawned(child, ownTid);
  engine.addTask(child);
  task.hasSpawned = true;
  engine.kernel?.spawned(task, frame, args, clone3);
}

/** Errno of the call that a task has just made. */
function failure({ tracer, regs }: Engine, { tid }: ReplayTask): number {
  tracer.getRegs(tid);
  return -regs.int(Reg.rax);
}

/** Starts a real execve of the stub; the image follows at its exec event. */
export function replayExec(engine: Engine, task: ReplayTask): void {
  const { tracer, regs } = engine;
  const path = Buffer.from(`${stubPath}\0`);
  const argv = new Uint8Array(2 * WORD);
  new DataView(argv.buffer).setBigUint64(0, BigInt(EXEC_SCRATCH + argv.length), true);
  tracer.writeMemory(task.tid, EXEC_SCRATCH, argv, 0, argv.length);
  tracer.writeMemory(task.tid, EXEC_SCRATCH + argv.length, path, 0, path.length);
  regs.set(Reg.rip, REMOTE_SYSCALL);
  regs.set(Reg.rax, Sys.execve);
  regs.set(Reg.orig_rax, -1);
  regs.set(Reg.rdi, EXEC_SCRATCH + argv.length);
  regs.set(Reg.rsi, EXEC_SCRATCH);
  regs.set(Reg.rdx, EXEC_SCRATCH + WORD);
  tracer.setRegs(task.tid);
  // A vfork child leaves its parent's address space here.
  task.space.users--;
  task.space = new ReplaySpace(engine.nextSpace++);
  task.space.users = 1;
  task.at = At.Exec;
  task.dispatching = false;
  tracer.resume(task.tid, Resume.Cont, 0);
}

/** Ends a task for real, wherever it stands. */
export function replayExit(engine: Engine, task: ReplayTask, frame: ExitFrame): void {
  const { tracer, regs } = engine;
  if (tracer.getRegs(task.tid)) {
    regs.set(Reg.rip, REMOTE_SYSCALL);
    regs.set(Reg.rax, Sys.exit);
    regs.set(Reg.orig_rax, -1);
    regs.set(Reg.rdi, 0);
    engine.live?.ending(task, frame);
    tracer.setRegs(task.tid);
    tracer.resume(task.tid, Resume.Cont, 0);
  }
  engine.retire(task);
}

/** The program has waited for a child: let the real parent collect what has really ended, so that no zombies pile up. */
export function collectZombies(engine: Engine, task: ReplayTask): void {
  const { tracer } = engine;
  tracer.remoteSyscall(task.tid, REMOTE_SYSCALL, Sys.wait4, [-1, 0, WNOHANG | WALL, 0]);
}
