import { Clone, EventKind, Reg, REMOTE_SCRATCH, Sys } from '@scribe-ts/core-native';
import type { ExitFrame, SpawnFrame, Word } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { sharedMemoryDirectory } from '../shared.js';
import { startStub } from '../syscalls/process.js';
import { At, type ReplayTask } from '../tasks.js';
import type { LiveIsolation } from '../options.js';
import { LiveError } from './live-error.js';
import { startNested } from './nested.js';
import { Remote } from './remote.js';

/** Of struct clone_args, up to set_tid_size. */
const CLONE_ARGS = 80;
const EXIT_SIGNAL = 0xff;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_DUMPABLE = 4;
const SIGNAL = 0x7f;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const CLOSE_RANGE_UNSHARE = 2;
const WNOHANG = 1;
const WALL = 0x40000000;
const NO_SIGNALS = new Uint8Array(8);

/** Descriptors of a pair of sockets that every process of such a replay has, to hand open files to each other. */
export const COURIER: readonly [receiver: number, sender: number] = [3, 4];

/**
 * Makes the processes of a replay that is to go live what those of the recording were to each other, as that cannot be
 * made up for later: their ids, who is whose child, the status that each ends with, sessions, and zombies.
 */
export class LiveProcesses {
  /** Why the processes do not have their recorded ids; undefined if they have. */
  newPids: string | undefined;
  /** Process of ours that ends as the program's first one does; that one itself where there is none. */
  keeper = 0;
  /** First process of the namespace, 0 where there is none. */
  init = 0;
  /** Ids of processes here, by those of the recording. */
  private readonly ownPids = new Map<number, number>();
  /** Recorded ids of processes that have ended, and that nobody has waited for here. */
  private readonly zombies = new Set<number>();

  constructor(
    private readonly engine: Engine,
    private readonly isolation: LiveIsolation | undefined,
  ) {}

  /** Starts the first task: the stub, stopped at its exec. Returns its thread id. */
  start(stdio: readonly [number, number, number]): number {
    const { tracer } = this.engine;
    const first = this.engine.domain(1).cursor.peek();
    const pid = first?.type === 'task-start' ? first.pid : 0;
    const shared = sharedMemoryDirectory();
    for (const directory of this.isolation?.directories ?? [])
      // A copy's overlay would not show it what the replay writes there.
      if (`${shared}/`.startsWith(directory === '/' ? '/' : `${directory}/`))
        throw new LiveError(
          'NOT_SUPPORTED',
          `${directory} has ${shared} in it, which copies share`,
        );
    const nested = startNested(tracer, pid, stdio, this.isolation);
    if (typeof nested !== 'number') {
      this.keeper = nested.keeper;
      this.init = nested.init;
      return nested.tid;
    }
    if (this.isolation !== undefined)
      throw new LiveError(
        'NOT_SUPPORTED',
        `namespaces of its own cannot be made here (errno ${nested})`,
      );
    this.newPids = `no pid namespace can be made here (errno ${nested})`;
    this.keeper = startStub(tracer, stdio);
    return this.keeper;
  }

  /** The first program's memory has been made. */
  began(task: ReplayTask): void {
    const remote = new Remote(this.engine.tracer, task.tid);
    this.spawned(task, remote.call('gettid'));
    remote.call('socketpair', AF_UNIX, SOCK_DGRAM, 0, remote.words(0));
    const made = remote.pair();
    if (made[0] !== COURIER[0] || made[1] !== COURIER[1])
      throw this.engine.internal(task, `its first descriptors are ${made.join(' and ')}`);
  }

  /** Flags of a clone that matter here: who is the parent, and with which signal it is told of the end. */
  spawnFlags(frame: SpawnFrame): number {
    return frame.flags & (Clone.PARENT | EXIT_SIGNAL);
  }

  /** Has a clone under way, whose registers are loaded, give the child its recorded id. */
  chooseId(task: ReplayTask, frame: SpawnFrame): void {
    if (this.newPids !== undefined) return;
    const { tracer, regs } = this.engine;
    const bytes = new Uint8Array(CLONE_ARGS + 4);
    const view = new DataView(bytes.buffer);
    const flags = regs.int(Reg.rdi);
    view.setBigUint64(0, BigInt((flags & ~EXIT_SIGNAL) >>> 0), true);
    // The kernel refuses a signal with either.
    if ((flags & (Clone.PARENT | Clone.THREAD)) === 0)
      view.setBigUint64(32, BigInt(flags & EXIT_SIGNAL), true);
    view.setBigInt64(56, BigInt(regs.get(Reg.r8)), true);
    view.setBigUint64(64, BigInt(REMOTE_SCRATCH + CLONE_ARGS), true);
    view.setBigUint64(72, 1n, true);
    view.setInt32(CLONE_ARGS, frame.tid, true);
    tracer.writeMemory(task.tid, REMOTE_SCRATCH, bytes, 0, bytes.length);
    regs.set(Reg.rax, Sys.clone3);
    regs.set(Reg.rdi, REMOTE_SCRATCH);
    regs.set(Reg.rsi, CLONE_ARGS);
  }

  /** A clone has failed. True if it is worth another try, without the recorded id. */
  spawnFailed(frame: SpawnFrame, errno: number): boolean {
    if (this.newPids !== undefined) return false;
    this.newPids = `the id ${frame.tid} cannot be had (errno ${errno})`;
    return true;
  }

  /** `ownTid`: the child's id as its parent has been told. */
  spawned(child: ReplayTask, ownTid: number): void {
    child.ownTid = ownTid;
    if (ownTid !== child.recordedTid)
      this.newPids ??= `process ${child.recordedTid} is ${ownTid} here`;
    if (child.pid === child.recordedTid) this.ownPids.set(child.pid, ownTid);
  }

  /** The id that a process of the recording has here, inside its namespace. */
  ownPid(pid: number): number {
    return this.ownPids.get(pid) ?? pid;
  }

  /** Whether a process of the recording has, or had, this id. */
  isOurs(pid: number): boolean {
    return this.ownPids.has(pid);
  }

  /**
   * The last task of a process is about to end, the call for that in its loaded registers: changes them such that the
   * process ends as it did.
   */
  ending(task: ReplayTask, frame: ExitFrame): void {
    if (!frame.last) return;
    const { tracer, regs, kernel } = this.engine;
    const remote = new Remote(tracer, task.tid);
    const process = kernel?.model.tasks.get(task.uid)?.process;
    if (process !== undefined) {
      // Others may yet be put into its group, for which a zombie is enough.
      if (process.group === process.pid && process.session !== process.pid)
        remote.call('setpgid', 0, 0);
      this.zombies.add(process.pid);
    }
    const signal = frame.status & SIGNAL;
    regs.set(Reg.rax, Sys.exit_group);
    regs.set(Reg.rdi, signal === 0 ? (frame.status >> 8) & 0xff : 128 + signal);
    if (signal === 0) return;
    // Its memory is no core that anybody asked for.
    remote.call('prctl', PR_SET_DUMPABLE, 0, 0, 0, 0);
    tracer.setSigmask(task.tid, NO_SIGNALS);
    task.endsBy = signal;
    tracer.kill(0, task.tid, signal);
  }

  /** A call has been answered; what it did to processes is done here as well. */
  called(task: ReplayTask, nr: number, args: readonly Word[], result: Word): void {
    if (result < 0) return;
    const remote = new Remote(this.engine.tracer, task.tid);
    if (nr === Sys.setsid) remote.call('setsid');
    else if (nr === Sys.prctl && args[0] === PR_SET_CHILD_SUBREAPER)
      remote.call('prctl', PR_SET_CHILD_SUBREAPER, args[1]!, 0, 0, 0);
    else if (nr === Sys.unshare) remote.call('unshare', Number(args[0]) & (Clone.FILES | Clone.FS));
    else if (nr === Sys.close_range && (Number(args[2]) & CLOSE_RANGE_UNSHARE) !== 0)
      remote.call('unshare', Clone.FILES);
    else if (nr === Sys.wait4 || nr === Sys.waitid) this.reap(task, true);
  }

  /** Has every process wait for the children that it waited for in the recording. */
  reapAll(): void {
    const done = new Set<number>();
    for (const task of this.engine.tasks.values()) {
      if (task.at === At.Dead || done.has(task.pid)) continue;
      done.add(task.pid);
      this.reap(task, false);
    }
  }

  /** Waits until whatever has ended in the replay is gone. `dispatch` handles a stop. */
  settle(dispatch: (kind: EventKind) => void): void {
    const { byTid, tracer } = this.engine;
    while ([...byTid.values()].some(({ at }) => at === At.Dead)) {
      const kind = tracer.wait(-1);
      if (kind === EventKind.NoTracees) return;
      if (kind !== EventKind.None) dispatch(kind);
    }
  }

  /** `keepGroups`: leaders of groups that others are in stay zombies. */
  private reap(task: ReplayTask, keepGroups: boolean): void {
    const { kernel, tracer } = this.engine;
    const process = kernel!.model.tasks.get(task.uid)?.process;
    if (process === undefined) return;
    const remote = new Remote(tracer, task.tid);
    for (const pid of process.reaped) {
      if (!this.zombies.has(pid) || (keepGroups && kernel!.model.hasGroup(pid))) continue;
      const own = this.ownPid(pid);
      if (remote.call('wait4', own, 0, WNOHANG | WALL, 0) !== own) continue;
      this.zombies.delete(pid);
      process.reaped.delete(pid);
    }
    if (keepGroups || !process.ignoresChildren) return;
    while (remote.call('wait4', -1, 0, WNOHANG | WALL, 0) > 0) {
      // The kernel of the recording has not kept any.
    }
  }
}
