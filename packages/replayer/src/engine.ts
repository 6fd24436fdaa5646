import { basename } from 'node:path';
import {
  ARGUMENT_REGS,
  type CpuPolicy,
  EventKind,
  hashRegisters,
  isRestart,
  PtraceEvent,
  Reg,
  Registers,
  RESERVED_END,
  RESERVED_START,
  Resume,
  Signal,
  stubPath,
  Sys,
  type Tracer,
} from '@scribe-ts/core-native';
import {
  type Backing,
  type Frame,
  type LogReader,
  type SignalFrame,
  type StateFrame,
  type StreamId,
  type SyscallFrame,
  syscallTable,
  type TaskUid,
  type TrapFrame,
  type Word,
} from '@scribe-ts/tracelog';
import type { Contents } from './contents.js';
import { type DivergenceKind, Mismatch } from './divergence.js';
import { buildImage } from './image.js';
import type { ReplayOptions } from './options.js';
import type { OutputQueue } from './output.js';
import type { SharedFiles } from './shared.js';
import { replayMemory } from './syscalls/memory.js';
import { collectZombies, replayExec, replayExit, replaySpawn } from './syscalls/process.js';
import { At, ReplayDomain, ReplaySpace, ReplayTask } from './tasks.js';

const ARCH_SET_GS = 0x1001;
const ARCH_SET_FS = 0x1002;
const FIRST_TASK: TaskUid = 2;
/** Bytes shown of what a program handed over instead of what it should have. */
const MAX_QUOTED = 32;
/** Tasks that have ended whose last frames a divergence report shows. */
const MAX_ENDED_TASKS = 64;

/**
 * One replay. Every stream is followed by itself: the task its next frame names runs to its next sync point, what it
 * does there is compared with the frame, and the frame is applied.
 */
export class Engine {
  readonly regs: Registers;
  readonly byTid = new Map<number, ReplayTask>();
  readonly tasks = new Map<TaskUid, ReplayTask>();
  readonly endStates: string[] = [];
  nextSpace = 1;
  syscalls = 0;
  rootStatus: number | undefined;
  /** Stops so far. */
  private progress = 0;
  private lastProgress = -1;
  private lastProgressNs = 0;
  bookmarkReached = false;
  private readonly domains = new Map<StreamId, ReplayDomain>();
  private readonly earlyChildren = new Set<number>();
  private readonly historyLength: number;
  /** Told of every frame once it has been applied. */
  onFrame: ((frame: Frame) => void) | undefined;
  private rootPid = 0;
  /** Last part of the path of each file that was mapped, to the path the recording had for it; '' if it was no file. */
  readonly recordedPaths = new Map<string, string>();
  /** Tasks that have ended and whose last frames are still kept: a build has thousands. */
  private readonly endedTasks: ReplayTask[] = [];

  constructor(
    readonly tracer: Tracer,
    private readonly log: LogReader,
    readonly contents: Contents,
    readonly shared: SharedFiles,
    private readonly output: OutputQueue,
    private readonly options: ReplayOptions,
    private readonly aborted: () => boolean,
    private readonly cpus: CpuPolicy,
  ) {
    this.regs = new Registers(tracer.regs);
    this.historyLength = options.backtraceLength ?? 20;
  }

  /** Starts the first task: the stub, stopped at its exec. */
  start(stdio: readonly [number, number, number]): void {
    const { tid } = this.tracer.spawn({
      file: stubPath,
      argv: ['replay'],
      envp: [],
      disableAslr: true,
      stdio,
    });
    const domain = this.domain(1);
    const task = new ReplayTask(FIRST_TASK, tid, domain, new ReplaySpace(this.nextSpace++));
    task.at = At.Stub;
    this.addTask(task);
    this.advance(domain);
  }

  /** Replays until the log ends, or the bookmark is reached. Throws Mismatch. */
  run(): void {
    while (!this.isDone()) {
      const kind = this.tracer.wait(-1);
      this.progress++;
      if (kind === EventKind.None) this.tick();
      else if (kind === EventKind.NoTracees) this.reportLost();
      else this.dispatch(kind);
    }
  }

  private isDone(): boolean {
    for (const domain of this.domains.values()) {
      if (!domain.ended && !this.isOrphan(domain)) return false;
    }
    return true;
  }

  /** True if the domain waits for one whose tasks were never made, as the log breaks off before that. */
  private isOrphan(domain: ReplayDomain): boolean {
    const { waiting } = domain;
    if (waiting instanceof ReplayDomain) return !waiting.ended && this.isOrphan(waiting);
    return domain.tasks.size === 0 && !this.freshDomains.includes(domain);
  }

  /** Runs ten times a second: somebody may want the replay to end, or it may be stuck. */
  private tick(): void {
    if (this.aborted()) throw new DOMException('the replay was aborted', 'AbortError');
    const now = this.tracer.values[1]!;
    let running = 0;
    for (const task of this.byTid.values()) if (task.at === At.Running) running++;
    this.cpus.review(now, this.progress, running, () => this.byTid.keys());
    const { deadlockSeconds } = this.options;
    // This tick itself is no progress.
    this.progress--;
    if (this.progress !== this.lastProgress) {
      this.lastProgress = this.progress;
      this.lastProgressNs = now;
    } else if (deadlockSeconds !== undefined && now - this.lastProgressNs > deadlockSeconds * 1e9)
      this.reportStuck();
  }

  /** Every process is gone, but the log has more to say. */
  private reportLost(): never {
    for (const domain of this.domains.values()) {
      const frame = domain.ended ? undefined : domain.cursor.peek();
      const task = frame === undefined ? undefined : this.tasks.get(frame.task);
      if (frame !== undefined && task !== undefined) {
        throw this.mismatch('exit', task, frame, 'every process has ended', 'go on');
      }
    }
    throw new Error('every process has ended, but the log has not');
  }

  private reportStuck(): void {
    for (const domain of this.domains.values()) {
      if (domain.ended || !(domain.waiting instanceof ReplayTask)) continue;
      const frame = domain.cursor.peek();
      throw new Mismatch(
        'stuck',
        domain.waiting,
        frame,
        'made no progress',
        'reach the next frame',
      );
    }
  }

  /** Ends every process of the replay. */
  killAll(): void {
    for (const tid of this.byTid.keys()) this.tracer.kill(0, tid, Signal.SIGKILL);
    while (this.byTid.size > 0) {
      const kind = this.tracer.wait(1000);
      if (kind === EventKind.None || kind === EventKind.NoTracees) return;
      const tid = this.tracer.event[0]!;
      if (kind === EventKind.Exited) this.byTid.delete(tid);
      else this.tracer.resume(tid, Resume.Cont, 0);
    }
  }

  // Tasks and domains

  domain(stream: StreamId): ReplayDomain {
    let domain = this.domains.get(stream);
    if (domain === undefined) {
      domain = new ReplayDomain(stream, this.log.stream(stream));
      this.domains.set(stream, domain);
    }
    return domain;
  }

  addTask(task: ReplayTask): void {
    this.tasks.set(task.uid, task);
    this.byTid.set(task.tid, task);
    task.domain.tasks.add(task);
    task.space.users++;
    if (task.at === At.Start) this.freshDomains.push(task.domain);
  }
  /** Domains whose first task was made while another domain advanced. */
  private readonly freshDomains: ReplayDomain[] = [];

  retire(task: ReplayTask): void {
    task.at = At.Dead;
    task.domain.tasks.delete(task);
    task.space.users--;
    if (this.endedTasks.push(task) > MAX_ENDED_TASKS) this.endedTasks.shift()!.history.length = 0;
  }

  /** All tasks that have not ended, and the last ones that have, in the order of their numbers. */
  rememberedTasks(): ReplayTask[] {
    const ended = new Set(this.endedTasks);
    return [...this.tasks.values()]
      .filter((task) => task.at !== At.Dead || ended.has(task))
      .sort((one, other) => one.uid - other.uid);
  }

  /** A file that stands for one of the recording has been mapped. A log with few details has no names. */
  rememberPath(path: string, backing: Exclude<Backing, { kind: 'anonymous' }>): void {
    if (backing.path !== '' || backing.hash === '')
      this.recordedPaths.set(basename(path), backing.path);
  }

  /** Waits for the first stop of a task that clone made. */
  awaitChild(tid: number): void {
    if (!this.earlyChildren.delete(tid)) this.tracer.waitFor(tid);
  }

  internal(task: ReplayTask, message: string): Mismatch {
    return new Mismatch('internal', task, task.domain.cursor.peek(), message, '');
  }

  private mismatch(
    kind: DivergenceKind,
    task: ReplayTask,
    frame: Frame,
    actual: string,
    expected: string,
  ): Mismatch {
    return new Mismatch(kind, task, frame, actual, expected);
  }

  // Stops

  private dispatch(kind: EventKind): void {
    const { event } = this.tracer;
    const tid = event[0]!;
    const task = this.byTid.get(tid);
    if (kind === EventKind.Exited) {
      this.byTid.delete(tid);
      if (task !== undefined && task.at !== At.Dead && task.at !== At.Exec)
        throw this.unexpectedEnd(task, event[3]!);
      return;
    }
    if (task === undefined) {
      if (kind === EventKind.InterruptStop) this.earlyChildren.add(tid);
      return;
    }
    if (kind === EventKind.Syscall) {
      task.at = At.Entry;
    } else if (kind === EventKind.Signal) {
      const signo = event[2]!;
      if (!isFault(signo) || !this.isOwnFault(task, signo)) {
        // Nothing that comes from outside reaches a replayed program.
        this.tracer.resume(tid, this.resumeKind(task), 0);
        return;
      }
      task.at = At.Fault;
      task.signo = signo;
    } else if (kind === EventKind.Event && event[2] === PtraceEvent.Exec) {
      this.rebind(task, this.tracer.values[0]!);
      return;
    } else if (kind === EventKind.Event && event[2] === PtraceEvent.Exit && this.isKilled(task)) {
      // Its memory is still there, which is not so when it has ended.
      throw this.unexpectedEnd(task, this.tracer.values[0]!);
    } else {
      // Exit events, stops by job control: none of them is the program's.
      if (task.at === At.Dead || kind === EventKind.Event) this.tracer.resume(tid, Resume.Cont, 0);
      else this.tracer.resume(tid, this.resumeKind(task), 0);
      return;
    }
    this.advance(task.domain);
  }

  private resumeKind(task: ReplayTask): Resume {
    return task.at === At.Running ? Resume.Sysemu : Resume.Cont;
  }

  private isOwnFault(task: ReplayTask, signo: number): boolean {
    const code = new DataView(this.tracer.getSiginfo(task.tid).buffer).getInt32(8, true);
    return code > 0 && signo !== Signal.SIGCHLD;
  }

  /** Whether a task at its exit event was ended by somebody else: the replay ends tasks itself, and so does exec. */
  private isKilled(task: ReplayTask): boolean {
    if (task.at === At.Dead || task.at === At.Exec) return false;
    for (const other of this.byTid.values())
      if (other.at === At.Exec && other.pid === task.pid) return false;
    return true;
  }

  private unexpectedEnd(task: ReplayTask, status: number): Mismatch {
    const frame = task.domain.cursor.peek();
    return new Mismatch('exit', task, frame, `ended with wait status ${status}`, 'go on');
  }

  private rebind(leader: ReplayTask, formerTid: number): void {
    const task = this.byTid.get(formerTid) ?? leader;
    if (task !== leader) {
      this.byTid.delete(formerTid);
      if (leader.at !== At.Dead) this.retire(leader);
      task.tid = leader.tid;
      this.byTid.set(task.tid, task);
    }
    task.at = At.Stub;
    this.advance(task.domain);
  }

  // Frames

  /** Applies frames of a domain until it has to wait for a task, or for another domain. */
  advance(domain: ReplayDomain): void {
    domain.waiting = undefined;
    for (;;) {
      const frame = domain.cursor.peek();
      if (frame === undefined) {
        domain.ended = true;
        this.endStream(domain);
        break;
      }
      const task = this.tasks.get(frame.task);
      if (task === undefined) {
        throw new Error(
          `the log's stream ${domain.stream} names the task ${frame.task}, which was never made`,
        );
      }
      if (!this.apply(domain, task, frame)) break;
      this.onFrame?.(frame);
      if (task.history.push(frame) > this.historyLength) task.history.shift();
      domain.cursor.next();
      if (domain.ended) break;
    }
    for (
      let fresh = this.freshDomains.pop();
      fresh !== undefined;
      fresh = this.freshDomains.pop()
    ) {
      if (fresh !== domain && fresh.waiting === undefined && !fresh.ended) this.advance(fresh);
    }
  }

  private endStream(domain: ReplayDomain): void {
    for (const other of this.domains.values()) {
      if (other.waiting === domain) this.advance(other);
    }
  }

  /** True if the frame has been applied; false if its task has been let go towards its next sync point. */
  private apply(domain: ReplayDomain, task: ReplayTask, frame: Frame): boolean {
    switch (frame.type) {
      case 'syscall':
        return this.reachEntry(task, frame) && this.applySyscall(task, frame);
      case 'block':
        return this.reachEntry(task, frame) && this.checkNumber(task, frame, frame.nr);
      case 'data':
        task.details.data.push(frame);
        return true;
      case 'output':
        task.details.output = frame;
        return true;
      case 'mapping':
        task.details.mapping = frame;
        return true;
      case 'exec':
        task.details.exec = frame;
        return true;
      case 'shared-write':
        task.details.sharedWrites.push(frame);
        return true;
      case 'spawn':
        if (!this.reachEntry(task, frame)) return false;
        replaySpawn(this, task, frame);
        return true;
      case 'task-start':
        return this.startTask(task, frame);
      case 'image':
        if (task.at !== At.Stub) return this.wait(task);
        buildImage(this, task, frame);
        return true;
      case 'signal':
        return this.applySignal(task, frame);
      case 'trap':
        return this.applyTrap(task, frame);
      case 'kernel-write':
        this.writeAll(task, frame.writes);
        return true;
      case 'exit':
        if (task.pid === this.rootPid && frame.last) this.rootStatus = frame.status;
        replayExit(this, task);
        return true;
      case 'state':
        this.checkState(task, frame);
        return true;
      case 'merge':
        return this.merge(domain, frame.from);
      case 'merged':
        domain.ended = domain.merged = true;
        domain.cursor.next();
        for (const member of domain.tasks) {
          member.domain = this.domain(frame.into);
          member.domain.tasks.add(member);
        }
        domain.tasks.clear();
        this.endStream(domain);
        return false;
      case 'bookmark':
        if (frame.id !== this.options.until) return true;
        domain.ended = true;
        domain.atBookmark = true;
        this.bookmarkReached = true;
        return false;
      case 'detach':
      case 'resource':
      case 'registers':
      case 'counters':
      case 'note':
        return true;
    }
  }

  private wait(task: ReplayTask): false {
    task.domain.waiting = task;
    return false;
  }

  /** Lets the task run to its next stop. */
  private go(task: ReplayTask): false {
    task.at = At.Running;
    this.tracer.resume(task.tid, Resume.Sysemu, 0);
    return this.wait(task);
  }

  /** True if the task stands at a syscall entry; else it is on its way there. */
  private reachEntry(task: ReplayTask, frame: Frame): boolean {
    switch (task.at) {
      case At.Entry:
        return true;
      case At.User:
        return this.go(task);
      case At.Fault:
        throw this.mismatch('signal', task, frame, `signal ${task.signo}`, 'no signal');
      case At.Running:
      case At.Exec:
        return this.wait(task);
      default:
        throw this.internal(task, `frame ${frame.type} for a task that is ${At[task.at]}`);
    }
  }

  private startTask(task: ReplayTask, frame: Extract<Frame, { type: 'task-start' }>): boolean {
    task.recordedTid = frame.tid;
    task.pid = frame.pid;
    if (task.uid === FIRST_TASK) this.rootPid = frame.pid;
    this.writeAll(task, frame.writes);
    if (task.at === At.Start) task.at = At.User;
    return true;
  }

  private writeAll(task: ReplayTask, writes: SyscallFrame['writes']): void {
    for (const { addr, bytes } of writes) {
      if (this.tracer.writeMemory(task.tid, addr, bytes, 0, bytes.length) !== bytes.length) {
        throw this.internal(task, `cannot store ${bytes.length} bytes at 0x${addr.toString(16)}`);
      }
    }
  }

  private checkNumber(task: ReplayTask, frame: Frame, nr: number): true {
    this.load(task);
    const actual = this.regs.int(Reg.orig_rax);
    // -1: made by int $0x80, whose numbers are others.
    if (actual !== nr && nr !== -1) {
      throw this.mismatch('syscall', task, frame, nameOf(actual), nameOf(nr));
    }
    return true;
  }

  private load(task: ReplayTask): void {
    if (this.tracer.getRegs(task.tid)) return;
    throw new Mismatch('exit', task, task.domain.cursor.peek(), 'ended', 'go on');
  }

  private readonly args: Word[] = [0, 0, 0, 0, 0, 0];

  private applySyscall(task: ReplayTask, frame: SyscallFrame): boolean {
    const { regs, args } = this;
    const { nr, result } = frame;
    this.checkNumber(task, frame, nr);
    for (let i = 0; i < 6; i++) args[i] = regs.get(ARGUMENT_REGS[i]!);
    for (let i = 0; i < frame.args.length; i++) {
      if (frame.args[i] !== args[i]) {
        throw this.mismatch(
          'arguments',
          task,
          frame,
          `${nameOf(nr)} with argument ${i} = ${hex(args[i]!)}`,
          `${nameOf(nr)} with argument ${i} = ${hex(frame.args[i]!)}`,
        );
      }
    }
    this.syscalls++;
    const { details } = task;
    this.checkData(task, frame);
    for (const write of details.sharedWrites) this.shared.write(write);
    const row = syscallTable[nr];
    if (details.exec !== undefined) {
      const { stream } = details.exec;
      details.clear();
      const former = task.domain;
      if (former.stream !== stream) {
        former.tasks.delete(task);
        task.domain = this.domain(stream);
        task.domain.tasks.add(task);
        this.freshDomains.push(task.domain);
      }
      replayExec(this, task);
      return true;
    }
    if (row?.class === 'memory') {
      const saved = regs.save();
      replayMemory(this, task, frame, args);
      regs.load(saved);
    } else if (nr === Sys.rt_sigreturn) {
      this.returnFromSignal(task);
      details.clear();
      return true;
    } else if (
      (nr === Sys.wait4 || nr === Sys.waitid) &&
      typeof result === 'number' &&
      result > 0
    ) {
      const saved = regs.save();
      collectZombies(this, task);
      regs.load(saved);
    }
    this.writeAll(task, frame.writes);
    if (isRestart(result)) {
      regs.set(Reg.rip, regs.address(Reg.rip) - 2);
      regs.set(Reg.rax, result === -516 ? Sys.restart_syscall : nr);
    } else {
      regs.set(Reg.rax, result);
      if (nr === Sys.arch_prctl && result === 0) {
        if (args[0] === ARCH_SET_FS) regs.set(Reg.fs_base, args[1]!);
        else if (args[0] === ARCH_SET_GS) regs.set(Reg.gs_base, args[1]!);
      }
    }
    regs.set(Reg.orig_rax, -1);
    this.tracer.setRegs(task.tid);
    task.at = At.User;
    if (details.output !== undefined) this.output.push(details.output);
    details.clear();
    return true;
  }

  /** What the program hands to the kernel must be what it handed over in the recording. */
  private checkData(task: ReplayTask, frame: SyscallFrame): void {
    const { details } = task;
    if (details.data.length === 0 && details.output === undefined) return;
    const row = syscallTable[frame.nr];
    if (details.output !== undefined && row !== undefined && row.args[1]?.type.kind === 'buffer') {
      this.compare(task, details.output, Number(this.args[1]), details.output.bytes);
    }
    for (const data of details.data) {
      const kind = row?.args[data.arg]?.type.kind;
      if (kind === 'string' || (kind === 'buffer' && data.bytes.length > 0)) {
        this.compare(task, data, Number(this.args[data.arg]), data.bytes);
      }
    }
  }

  private compare(task: ReplayTask, frame: Frame, addr: number, expected: Uint8Array): void {
    const actual = new Uint8Array(expected.length);
    const got = this.tracer.readMemory(task.tid, addr, actual, 0, actual.length);
    for (let i = 0; i < expected.length; i++) {
      if (i < got && actual[i] === expected[i]) continue;
      throw this.mismatch(
        'output',
        task,
        frame,
        `other bytes from offset ${i} on: ${quote(actual.subarray(i, got))}`,
        'hand over the recorded bytes',
      );
    }
  }

  /** rt_sigreturn is the kernel's own work: everything it restores, it restores from memory that is as recorded. */
  private returnFromSignal(task: ReplayTask): void {
    const { tracer, regs } = this;
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.rax, Sys.rt_sigreturn);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    // Not by steps: they would hide a trap flag that the frame restores. First the end of the call that was not run.
    for (let stop = 0; stop < 3; stop++) {
      if (this.runToStop(task, Resume.Syscall) !== EventKind.Syscall)
        throw this.internal(task, 'rt_sigreturn did not return');
    }
    task.at = At.User;
  }

  /**
   * Steps a task once. From the entry of a call that is not run, the first step only leaves that call; the next one runs
   * the instruction at rip.
   */
  step(task: ReplayTask, expected: EventKind): void {
    const kind = this.runToStop(task, Resume.Step);
    if (kind !== expected)
      throw this.internal(task, `a step ended in ${EventKind[kind]}, not ${EventKind[expected]}`);
  }

  /**
   * Resumes a task to its next stop of its own making. The end of a child that has executed a program sends SIGCHLD,
   * whatever clone was told, and a terminal's signals reach the replayed processes as well: those are dropped.
   */
  private runToStop(task: ReplayTask, how: Resume): EventKind {
    const { tracer } = this;
    for (;;) {
      tracer.resume(task.tid, how, 0);
      const kind = tracer.waitFor(task.tid);
      if (kind !== EventKind.Signal || isFault(tracer.event[2]!)) return kind;
    }
  }

  private applySignal(task: ReplayTask, frame: SignalFrame): boolean {
    if (frame.action !== 'handler' && frame.action !== 'terminate') return true;
    switch (frame.point) {
      case 'fault':
        if (task.at === At.User) return this.go(task);
        if (task.at === At.Running) return this.wait(task);
        if (task.at !== At.Fault || task.signo !== frame.signo) {
          const actual = task.at === At.Fault ? `signal ${task.signo}` : this.describeEntry(task);
          throw this.mismatch('signal', task, frame, actual, `signal ${frame.signo}`);
        }
        this.load(task);
        this.compareRip(task, frame, frame.rip);
        break;
      case 'syscall-entry':
        if (!this.reachEntry(task, frame)) return false;
        this.load(task);
        this.regs.set(Reg.rip, this.regs.address(Reg.rip) - 2);
        this.compareRip(task, frame, frame.rip);
        break;
      case 'syscall-exit':
        if (task.at !== At.User)
          throw this.internal(task, `signal after a call for a task that is ${At[task.at]}`);
        break;
      case 'anywhere':
        return true;
    }
    if (frame.action === 'terminate') return true;
    const { tracer, regs } = this;
    this.writeAll(task, frame.writes);
    tracer.regsBytes.set(frame.regs);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    tracer.initXstate(task.tid);
    task.at = At.User;
    return true;
  }

  private describeEntry(task: ReplayTask): string {
    this.load(task);
    return nameOf(this.regs.int(Reg.orig_rax));
  }

  private compareRip(task: ReplayTask, frame: SignalFrame | TrapFrame, expected: number): void {
    const rip = this.regs.address(Reg.rip);
    if (rip === expected) return;
    const what = frame.type === 'trap' ? frame.insn : `signal ${frame.signo}`;
    throw this.mismatch(
      frame.type,
      task,
      frame,
      `${what} at ${hex(rip)}`,
      `${what} at ${hex(expected)}`,
    );
  }

  private applyTrap(task: ReplayTask, frame: TrapFrame): boolean {
    if (task.at === At.User) return this.go(task);
    if (task.at === At.Running) return this.wait(task);
    if (task.at !== At.Fault || task.signo !== Signal.SIGSEGV) {
      const actual = task.at === At.Entry ? this.describeEntry(task) : `signal ${task.signo}`;
      throw this.mismatch('trap', task, frame, actual, frame.insn);
    }
    this.load(task);
    this.compareRip(task, frame, frame.rip);
    const { regs, tracer } = this;
    const [rax, rbx, rcx, rdx] = frame.values;
    regs.set(Reg.rax, rax);
    regs.set(Reg.rdx, rdx);
    if (frame.insn !== 'rdtsc') regs.set(Reg.rcx, rcx);
    if (frame.insn === 'cpuid') regs.set(Reg.rbx, rbx);
    regs.set(Reg.rip, frame.rip + (frame.insn === 'rdtscp' ? 3 : 2));
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    task.at = At.User;
    return true;
  }

  private checkState(task: ReplayTask, frame: StateFrame): void {
    const { tracer } = this;
    if (frame.registers !== '') {
      this.load(task);
      const { regs } = this;
      if (task.at === At.Entry) {
        // The recording took the task out of the call it was about to make.
        regs.set(Reg.rip, regs.address(Reg.rip) - 2);
        regs.set(Reg.rax, regs.int(Reg.orig_rax));
      }
      regs.set(Reg.orig_rax, -1);
      const actual = hashRegisters(regs.halves);
      if (actual !== frame.registers) {
        throw this.mismatch(
          'state',
          task,
          frame,
          `registers with hash ${actual}`,
          `registers with hash ${frame.registers}`,
        );
      }
    }
    if (frame.memory === '') return;
    this.load(task);
    const stackPointer = this.regs.address(Reg.rsp);
    const actual = tracer.hashMemory(task.tid, RESERVED_START, RESERVED_END, stackPointer);
    if (actual !== frame.memory) {
      throw this.mismatch(
        'state',
        task,
        frame,
        `memory with hash ${actual}`,
        `memory with hash ${frame.memory}`,
      );
    }
    this.endStates.push(`${frame.task}:${actual}`);
  }

  private merge(domain: ReplayDomain, from: StreamId): boolean {
    const other = this.domain(from);
    if (other.merged) return true;
    // What the other's tasks did last is missing: a truncated log ends here for this stream, too.
    if (!other.ended) domain.waiting = other;
    else {
      domain.ended = true;
      this.endStream(domain);
    }
    return false;
  }
}

function isFault(signo: number): boolean {
  return (
    signo === Signal.SIGSEGV ||
    signo === Signal.SIGBUS ||
    signo === Signal.SIGFPE ||
    signo === Signal.SIGILL ||
    signo === Signal.SIGTRAP
  );
}

function nameOf(nr: number): string {
  return syscallTable[nr]?.name ?? `system call ${nr}`;
}

/** The beginning of some bytes, for people. */
function quote(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, MAX_QUOTED));
  return `${JSON.stringify(text)}${bytes.length > MAX_QUOTED ? '…' : ''}`;
}

function hex(value: Word): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}
