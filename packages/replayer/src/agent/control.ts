import {
  MapFlag,
  NativeError,
  Patcher,
  Prot,
  Reg,
  contentEntry,
  REPLAY_CALLS_MADE,
  REPLAY_CONTENTS_MAX,
  REPLAY_ROW_ANSWERED,
  REPLAY_ROW_COUNT,
  REPLAY_ROW_MADE,
  REPLAY_WINDOW,
  ReplayAgent,
  SITE_BYTES,
  SiteIndex,
  Sys,
} from '@scribe-ts/core-native';
import {
  encodeFile,
  type Frame,
  type Mapping,
  syscallTable,
  type TrapFrame,
} from '@scribe-ts/tracelog';
import { isCompared } from '../apply-syscall.js';
import type { Engine } from '../engine.js';
import { At, type ReplaySpace, type ReplayTask } from '../tasks.js';
import { AgentSpace } from './space.js';

/** Calls for which a replay does more than to give the program what the log has. */
const TRACED: ReadonlySet<number> = new Set([Sys.rt_sigreturn, Sys.wait4, Sys.waitid]);
/** Less than this in a window, bytes, and it is filled anew where there is more. */
const SCANT = 0x400;
const NO_PAGES = new Float64Array(0);

/**
 * Has common calls answered inside the replayed processes. Sites are patched to jump to the agent, which takes the frames
 * from a window: a piece of the log as it is, up to 256 KiB. What it does not answer itself it leaves to the tracer, at the
 * call's entry or behind it, and the replay goes on from the frame at which the agent has stopped.
 *
 * One agent in an address space is enough: of a domain's tasks only one runs at a time, and none is ever left standing
 * inside the agent.
 */
export class AgentControl {
  private readonly agent: ReplayAgent;
  private readonly patcher: Patcher;
  /** Files that were mapped, as the agent has them. */
  private readonly files: Uint8Array[] = [];
  private readonly known = new Map<
    string,
    { readonly name: string; entry: Uint8Array | undefined }
  >();
  /** How often something has changed in what was told already. */
  private filesChanged = 0;
  /** The agent makes calls. PTRACE_SYSEMU would not let it: dispatch does. undefined: nobody has asked yet. */
  private makesCalls: boolean | undefined;
  private rows = rowsOfCalls(true);

  constructor(
    private readonly engine: Engine,
    /** What is known of sites in files is used as soon as they are mapped. */
    private readonly looksAhead: boolean,
  ) {
    const { tracer, cpuid, contents } = engine;
    this.agent = new ReplayAgent(tracer);
    const index = new SiteIndex(contents.store);
    this.patcher = new Patcher(tracer, this.agent.entries, cpuid.sites, index);
  }

  /** A file at `path` with a content of the log's has been mapped; `name`: which one it was in the recording. */
  learn(hash: string, path: string, name: string): void {
    const known = this.known.get(hash);
    if (known === undefined) {
      if (this.files.length === REPLAY_CONTENTS_MAX) return;
      const entry = contentEntry(hash, path, encodeFile(hash, name).after);
      if (entry !== undefined) this.files.push(entry);
      this.known.set(hash, { name, entry });
    } else if (known.name !== name && known.entry !== undefined) {
      // Reports tell the name under which a content was mapped last: from now on the tracer has to see all of them.
      known.entry.fill(0);
      known.entry = undefined;
      this.filesChanged++;
    }
  }

  /** A stopped task has what was recorded of a mapping. */
  mapped(task: ReplayTask, { start, end, prot, flags, backing }: Mapping): void {
    const isPlain = (prot & (Prot.EXEC | Prot.WRITE)) === Prot.EXEC;
    if (!isPlain || backing.kind !== 'file' || (flags & MapFlag.TYPE) !== MapFlag.PRIVATE) return;
    const space = (task.space.agent ??= new AgentSpace());
    if (space.given || !this.looksAhead) return;
    const { offset, hash } = backing;
    const { regs } = this.engine;
    const saved = regs.save();
    this.patcher.mapped(task.tid, space, { start, end, offset, content: hash });
    this.load(task, space);
    regs.load(saved);
  }

  /** Patched sites lead to the agent: it must be there. */
  private load(task: ReplayTask, space: AgentSpace): void {
    space.codeChanged = true;
    if (space.patches.size === 0 || space.loaded) return;
    this.makesCalls ??= this.canDispatch(task);
    this.agent.load(task.tid, this.rows);
    space.loaded = true;
  }

  /** True if the agent may answer the call that a frame belongs to, so that its task is to be let go before it is applied. */
  takes(task: ReplayTask, frame: Frame): boolean {
    const space = task.space.agent;
    if (space === undefined || space.patches.size === 0 || !task.details.isEmpty) return false;
    if (frame.type === 'data' || frame.type === 'trap') return true;
    if (frame.type === 'mapping') return this.makesCalls === true;
    return (
      frame.type === 'syscall' &&
      frame.nr >= 0 &&
      frame.nr < REPLAY_ROW_COUNT &&
      this.rows[frame.nr]! >= REPLAY_ROW_ANSWERED
    );
  }

  /** The task is about to be let go: gives the agent the frames that come next, or sees that it answers nothing. */
  prepare(task: ReplayTask): void {
    const space = task.space.agent;
    this.dispatch(task, this.makesCalls === true && space?.loaded === true && !space.given);
    if (space === undefined || space.patches.size === 0) return;
    const { cursor } = task.domain;
    const frame = cursor.peek();
    if (frame === undefined || frame.task !== task.uid || !this.takes(task, frame)) {
      this.disarm(task, space);
      return;
    }
    const { bytes, time } = cursor.rest()!;
    const { offset, position } = cursor;
    const left = space.end - position;
    const isThere =
      space.cursor === cursor &&
      space.chunk === offset &&
      position >= space.start &&
      (left >= SCANT || left === bytes.length);
    if (!isThere) {
      if (space.cursor === cursor && space.chunk === offset && position >= space.end - SCANT)
        space.fill = Math.min(space.fill * 2, REPLAY_WINDOW);
      const piece = bytes.subarray(0, space.fill);
      this.agent.fill(task.tid, piece);
      space.cursor = cursor;
      space.chunk = offset;
      space.start = position;
      space.end = position + piece.length;
    }
    space.armedAt = position - space.start;
    if (this.makesCalls === true) this.tell(task, space);
    const end = space.end - space.start;
    this.agent.arm(task.tid, space.armedAt, end, task.uid, time, task.space.brk);
    space.armed = space.live = true;
  }

  /** What the agent has to know for the calls that it makes. */
  private tell({ tid }: ReplayTask, space: AgentSpace): void {
    if (space.codeChanged) this.agent.keepOff(tid, space.codeRanges());
    space.codeChanged = false;
    if (space.filesChanged !== this.filesChanged) space.filesTold = 0;
    if (space.filesTold < this.files.length)
      this.agent.tellContents(tid, this.files, space.filesTold);
    space.filesTold = this.files.length;
    space.filesChanged = this.filesChanged;
  }

  private dispatch(task: ReplayTask, on: boolean): void {
    if (task.dispatching === on) return;
    this.agent.dispatch(task.tid, on);
    task.dispatching = on;
  }

  /** Before Linux 6.4 a tracer cannot turn dispatch on. undefined: the task is gone. */
  private canDispatch({ tid }: ReplayTask): boolean | undefined {
    try {
      return (this.agent.dispatch(tid, true) && this.agent.dispatch(tid, false)) || undefined;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.rows = rowsOfCalls(false);
      return false;
    }
  }

  /** A task that was running has come to a syscall-stop. Returns where it stands. */
  arrived(task: ReplayTask): At.Entry | At.User {
    const { agent, engine } = this;
    const { regs, tracer } = engine;
    const rip = regs.address(Reg.rip);
    const space = (task.space.agent ??= new AgentSpace());
    if (!agent.contains(rip)) {
      this.pass(task);
      this.patch(task, space, rip, regs.int(Reg.orig_rax));
      return At.Entry;
    }
    agent.look(task.tid);
    this.passLooked(task, space);
    // It disarms itself before it asks for the tracer.
    space.armed = false;
    const { ret } = agent;
    regs.set(Reg.rip, ret);
    regs.set(Reg.rcx, ret);
    if (rip === agent.stopped) {
      regs.set(Reg.rax, regs.get(Reg.orig_rax));
      regs.set(Reg.orig_rax, -1);
    }
    tracer.setRegs(task.tid);
    return rip === agent.stopped ? At.User : At.Entry;
  }

  /**
   * A task that was running has been stopped by a signal of its own making. Returns where it stands; if the agent has met a
   * pointer to nowhere, it is on its way to the call's entry.
   */
  faulted(task: ReplayTask): At.Fault | At.User | At.Running {
    const { agent, engine } = this;
    const { regs, tracer } = engine;
    const space = task.space.agent;
    const rip = regs.address(Reg.rip);
    if (space === undefined || !agent.contains(rip)) {
      this.pass(task);
      return At.Fault;
    }
    agent.look(task.tid);
    tracer.getRegs(task.tid);
    if (rip === agent.trapLeft || rip === agent.trapDone) {
      this.passLooked(task, space);
      space.armed = false;
      const isDone = rip === agent.trapDone;
      regs.set(Reg.rip, isDone ? agent.ret : agent.ret - SITE_BYTES);
      tracer.setRegs(task.tid);
      return isDone ? At.User : At.Fault;
    }
    agent.restore(task.tid, regs.halves);
    tracer.setRegs(task.tid);
    tracer.resume(task.tid, engine.towardsCall(task), 0);
    return At.Running;
  }

  /** A task has been given what an instruction had answered that ends at `ret`, and stands there. */
  answered(task: ReplayTask, insn: TrapFrame['insn'], ret: number): void {
    const space = (task.space.agent ??= new AgentSpace());
    if (space.given || insn === 'rdtscp') return;
    if (this.patcher.trapped(task.tid, space, ret, insn)) this.load(task, space);
  }

  /** Takes over what the agent has replayed since its task was let go. */
  pass(task: ReplayTask): void {
    const space = task.space.agent;
    if (space?.live === true && this.agent.look(task.tid)) this.passLooked(task, space);
  }

  private passLooked(task: ReplayTask, space: AgentSpace): void {
    const { agent, engine } = this;
    if (!space.live) return;
    space.live = false;
    const { frames, position, time } = agent;
    if (frames === 0) return;
    const { cursor } = task.domain;
    const encoded = cursor.rest()!;
    const length = position - space.armedAt;
    task.history.pushRun({ ...encoded, bytes: encoded.bytes.subarray(0, length) }, frames);
    cursor.passEncoded(length, frames, task.uid, time);
    engine.syscalls += agent.calls;
    engine.answered += agent.calls;
    task.space.brk = agent.programBreak;
    engine.onFrames?.(frames);
  }

  /** Whether the agent has replayed frames of a running task since it was last asked. */
  hasAdvanced(task: ReplayTask): boolean {
    const space = task.space.agent;
    if (space?.live !== true || !this.agent.look(task.tid)) return false;
    const { frames } = this.agent;
    if (frames === space.seen) return false;
    space.seen = frames;
    return true;
  }

  /** A site has trapped in a task that stands at its entry. */
  private patch(task: ReplayTask, space: AgentSpace, ret: number, nr: number): void {
    if (space.given || nr < 0 || nr >= REPLAY_ROW_COUNT) return;
    if (this.rows[nr]! < REPLAY_ROW_ANSWERED) return;
    if (!this.patcher.trapped(task.tid, space, ret, nr)) return;
    this.load(task, space);
    this.engine.load(task);
  }

  /** The agent in the address space of a stopped task answers nothing until its task is let go the next time. */
  disarm(task: ReplayTask, space = task.space.agent): void {
    if (space?.armed !== true) return;
    this.agent.disarm(task.tid);
    space.armed = false;
  }

  /** Puts all code of a stopped task's address space back as it was. */
  unpatch(task: ReplayTask): void {
    const space = task.space.agent;
    if (space !== undefined && (space.patches.size > 0 || space.pages.length > 0))
      this.patcher.undo(task.tid, space);
  }

  /** As unpatch, for good. */
  giveUp(task: ReplayTask): void {
    this.unpatch(task);
    (task.space.agent ??= new AgentSpace()).given = true;
  }

  /** Mappings from `start` to `end` are about to change: if there is something of the patches, all of it goes. */
  clear(task: ReplayTask, start: number, end: number): void {
    if (task.space.agent?.touches(start, end) === true) this.unpatch(task);
    task.space.agent?.unmap(start, end);
  }

  /** Pages of an address space that are not what the program alone would have. */
  changedPages(space: ReplaySpace): Float64Array {
    return space.agent?.changedPages() ?? NO_PAGES;
  }
}

/** For each call, whether the agent answers it, and which of its arguments' bytes are compared. */
function rowsOfCalls(makesCalls: boolean): Uint8Array {
  const rows = new Uint8Array(REPLAY_ROW_COUNT);
  for (const row of syscallTable) {
    if (row === undefined || row.nr >= REPLAY_ROW_COUNT) continue;
    // Where execve succeeds an `exec` frame comes before its own, which is the tracer's.
    if (row.class === 'process' && row.nr !== Sys.execve) continue;
    let bits = REPLAY_ROW_ANSWERED;
    if (row.class === 'memory' || REPLAY_CALLS_MADE.has(row.nr)) {
      if (!makesCalls || !REPLAY_CALLS_MADE.has(row.nr)) continue;
      bits |= REPLAY_ROW_MADE;
    } else if (TRACED.has(row.nr)) continue;
    row.args.forEach(({ type }, index) => {
      if (isCompared(type)) bits |= 1 << index;
    });
    rows[row.nr] = bits;
  }
  return rows;
}
