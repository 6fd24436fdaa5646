import {
  EventKind,
  freeInstructions,
  readTaskFile,
  Reg,
  Signal,
  Sys,
  unmapReserved,
} from '@scribe-ts/core-native';
import type { Engine } from '../engine.js';
import { At, type ReplaySpace, type ReplayTask } from '../tasks.js';
import { endPartialWrites } from './blocked-writes.js';
import { tellChangedFiles } from './changed-files.js';
import { LiveError } from './live-error.js';
import type { LiveProcesses } from './live-processes.js';
import type { Tell } from './make-file.js';
import type { DescriptorTable } from './model/descriptor-table.js';
import type { KernelModel } from './model/kernel-model.js';
import type { TaskState } from './model/process-state.js';
import type { LiveFiles } from './live-files.js';
import { FileRebuilder, type TableHolder } from './rebuild-files.js';
import {
  makePosixTimers,
  rebuildAffinity,
  rebuildCredentials,
  rebuildMemoryMap,
  rebuildProcess,
  rebuildPromises,
  rebuildTask,
  sendPending,
  setLimits,
  startTimers,
} from './rebuild-process.js';
import { IpcRebuilder } from './rebuild-ipc.js';
import { Remote } from './remote.js';
import { SharedMappings } from './shared-mappings.js';
import { rebuildTerminal } from './terminal.js';

/** Longest wait for a process to stop, in naps of 1 ms. */
const STOP_NAPS = 5000;

/** A task that goes live. */
interface Member {
  readonly task: ReplayTask;
  readonly state: TaskState;
  readonly remote: Remote;
}

/** Turns a replay that stands at its bookmark into processes that run by themselves, and waits for the first one's end. */
export class GoLive {
  private readonly model: KernelModel;
  private readonly live: LiveProcesses;
  /** What is not as it was. */
  private readonly lost: string[] = [];
  private readonly nowNs: number;
  /** Those of one process in a row, its leader first if that has not ended; the first process before the others. */
  private readonly members: Member[];
  /** The first of each process. */
  private readonly processes: Member[];
  /** Tasks that have chosen their CPUs. */
  private readonly bound = new Set<ReplayTask>();

  /** Throws LiveError if there is nothing that can go live. */
  constructor(
    private readonly engine: Engine,
    private readonly files: LiveFiles,
    private readonly allowNewPids: boolean,
  ) {
    this.nowNs = engine.bookmarkTime;
    this.model = engine.kernel!.model;
    this.live = engine.live!;
    this.members = this.findMembers();
    const pids = new Set<number>();
    this.processes = this.members.filter(({ task: { pid } }) => !pids.has(pid) && pids.add(pid));
  }

  /**
   * Rebuilds the kernel's side. Nothing of the program has run when it throws LiveError. `tell` gets what cannot come
   * back, before anything runs.
   */
  prepare(requireComplete: boolean, tell: Tell): void {
    const { model, live, lost } = this;
    this.checkIds();
    for (const text of model.contradictions) lost.push(`not sure of what the kernel knew: ${text}`);
    for (const name of model.unknown) lost.push(`what ${name} changed is not made again`);
    const shared = this.sharedMappings();
    const tasks = this.members.map(({ task }) => task);
    endPartialWrites(this.engine, tasks, (text) => lost.push(text));
    for (const task of tasks) this.settle(task);
    const first = this.processes[0]!.remote;
    const directories = tasks.map(({ uid }) => model.tasks.get(uid)!.directories.cwd);
    this.files.prepare(first, shared.contents(), directories, (text) => lost.push(text));
    for (const { remote, state } of this.processes)
      rebuildProcess(remote, state, this.teller(state));
    const settled = this.rebuildShared(shared);
    this.eachSpace(({ remote, task }) => rebuildMemoryMap(remote, task.space));
    for (const { remote, state } of this.processes)
      rebuildPromises(remote, state.process, this.teller(state));
    for (const { remote, state, task } of this.members)
      if (rebuildAffinity(remote, state, this.teller(state))) this.bound.add(task);
    this.rebuildGroups();
    live.reapAll();
    for (const { remote, state } of this.processes)
      makePosixTimers(
        remote,
        state.process,
        this.nowNs,
        (tid) => this.ownTid(tid),
        this.teller(state),
      );
    const ownPid = (pid: number): number => live.ownPid(pid);
    const files = new FileRebuilder(
      this.tables(),
      this.nowNs,
      ownPid,
      (name) => this.mapped(name),
      (file) => this.files.contentOf(file),
      (text) => lost.push(text),
      model.connections.waiting(),
      (file) => this.files.difference(file),
    );
    files.run();
    if (!this.files.isOverlay)
      tellChangedFiles(model, this.nowNs, new Set([...settled, ...this.files.differing]), (text) =>
        lost.push(text),
      );
    this.files.close();
    for (const text of lost) tell(text);
    if (requireComplete && lost.length > 0)
      throw new LiveError('INCOMPLETE', 'not everything can come back');
    this.rebuildTerminals(files);
  }

  private restoreSaves({ tid }: ReplayTask, isLast: boolean): void {
    const { tracer, regs, stateSaves } = this.engine;
    tracer.getRegs(tid);
    stateSaves.restore(tracer, tid, regs.address(Reg.rip), isLast);
  }

  /** Lets the processes go. Returns the id that the first one has for the tracer, 0 if it ended before. */
  release(): number {
    const { engine, members, processes } = this;
    const { tracer } = engine;
    for (const { remote, state } of processes) startTimers(remote, state.process, this.nowNs);
    for (const { remote, state, task } of members)
      rebuildTask(remote, state, task.space.program?.path);
    for (const { remote, state } of processes) setLimits(remote, state.process);
    this.sendSignals();
    for (const { remote, state, task } of members) {
      freeInstructions(tracer, task.tid);
      engine.cpuid.sites.restore(tracer, task.tid);
      this.restoreSaves(task, false);
      rebuildCredentials(remote, state);
    }
    // These take the pages along through which the others' calls were made.
    this.eachSpace(({ task }) => {
      this.restoreSaves(task, true);
      unmapReserved(tracer, task.tid);
    });
    const isStopped = ({ state }: Member): boolean => state.process.stoppedBy !== 0;
    const stopped = processes.filter(isStopped);
    for (const { task } of stopped) tracer.kill(0, task.tid, Signal.SIGSTOP);
    for (const member of members.filter(isStopped)) this.letGo(member);
    // The others may look.
    for (const { task } of stopped) awaitStop(task.tid);
    for (const member of [...members].reverse()) if (!isStopped(member)) this.letGo(member);
    for (const { task, state } of processes)
      if (state.process.pending.all.some(({ signo }) => signo === Signal.SIGKILL))
        tracer.kill(0, task.tid, Signal.SIGKILL);
    return engine.rootStatus === undefined ? engine.rootTid : 0;
  }

  /** Waits for the first one's end. Returns its wait status, or undefined once nobody wants to know it any more. */
  wait(isAborted: () => boolean): number | undefined {
    const { engine, live } = this;
    const { tracer } = engine;
    if (engine.rootStatus !== undefined) return engine.rootStatus;
    for (;;) {
      const kind = tracer.wait(-1);
      if (kind === EventKind.NoTracees) throw new Error('the program is nobody’s child');
      if (kind === EventKind.Exited && tracer.event[0] === live.keeper) return tracer.event[3]!;
      if (kind === EventKind.None && isAborted()) return undefined;
    }
  }

  private letGo({ task, state: { mask } }: Member): void {
    const { engine } = this;
    const { cpus } = engine;
    if (mask !== undefined)
      engine.tracer.setSigmask(task.tid, new Uint8Array(new BigUint64Array([mask]).buffer));
    if (!this.bound.has(task)) cpus.release(task.tid);
    engine.byTid.delete(task.tid);
    engine.tracer.detach(task.tid, 0);
  }

  private sendSignals(): void {
    const { live, members, processes } = this;
    const ownPid = (pid: number): number => live.ownPid(pid);
    for (const { remote, state } of processes)
      sendPending(remote, state.process.pending, ownPid, { pid: ownPid(state.process.pid) });
    for (const { remote, state, task } of members)
      sendPending(remote, state.pending, ownPid, { pid: ownPid(task.pid), tid: task.ownTid });
  }

  private findMembers(): Member[] {
    const { engine, model } = this;
    const tasks = [...engine.tasks.values()].filter(({ at }) => at !== At.Dead);
    for (const task of tasks) if (task.at === At.Start) this.begin(task);
    if (tasks.length === 0) throw new LiveError('NOT_SUPPORTED', 'every process has ended there');
    const rank = ({ pid, recordedTid, tid }: ReplayTask): number =>
      (tid === engine.rootTid ? 0 : 2) + (pid === recordedTid ? 0 : 1);
    const order = [...new Set(tasks.sort((a, b) => rank(a) - rank(b)).map(({ pid }) => pid))];
    const place = new Map(order.map((pid, i) => [pid, i]));
    tasks.sort((a, b) => place.get(a.pid)! - place.get(b.pid)! || rank(a) - rank(b));
    return tasks.map((task) => {
      const { uid, at, tid } = task;
      const state = model.tasks.get(uid);
      if (state === undefined || (at !== At.User && at !== At.Entry && at !== At.Fault))
        throw new LiveError('NOT_SUPPORTED', `task ${uid} is ${At[at]} there`);
      const { root } = state.directories;
      if (root !== '/') throw new LiveError('NOT_SUPPORTED', `its root directory is ${root}`);
      return { task, state, remote: new Remote(engine.tracer, tid) };
    });
  }

  /** A task that has been made and has not run: what the kernel stores for it at its beginning is told behind the bookmark, if at all. */
  private begin(task: ReplayTask): void {
    const { engine, model } = this;
    const setTid = model.tasks.get(task.uid)?.setTid ?? 0;
    if (setTid !== 0) {
      const bytes = new Uint8Array(Int32Array.of(task.recordedTid).buffer);
      engine.tracer.writeMemory(task.tid, setTid, bytes, 0, bytes.length);
    }
    task.at = At.User;
  }

  private checkIds(): void {
    const { live, allowNewPids } = this;
    const changed = this.members.find(({ task }) => task.ownTid !== task.recordedTid)?.task;
    if (changed === undefined || allowNewPids) return;
    const { recordedTid, ownTid } = changed;
    throw new LiveError(
      'NEW_PIDS',
      `process ${recordedTid} of the recording would be ${ownTid}: ${live.newPids}`,
    );
  }

  /** The id here of a thread of the recording. */
  private ownTid(tid: number): number {
    return this.members.find(({ task }) => task.recordedTid === tid)?.task.ownTid ?? tid;
  }

  /** Names the process where there are several. */
  private teller({ process }: TaskState): Tell {
    const whose = this.processes.length === 1 ? '' : `process ${process.pid}: `;
    return (text) => void this.lost.push(whose + text);
  }

  /** Calls `act` for one task of each address space. */
  private eachSpace(act: (member: Member) => void): void {
    const done = new Set<ReplaySpace>();
    for (const member of this.members) {
      const { space } = member.task;
      if (done.has(space)) continue;
      done.add(space);
      act(member);
    }
  }

  private tables(): TableHolder[] {
    const holders = new Map<DescriptorTable, TableHolder>();
    for (const { remote, state } of this.members) {
      const { files, process } = state;
      const { pid, locks } = process;
      if (!holders.has(files)) holders.set(files, { remote, table: files, pid, locks });
    }
    return [...holders.values()];
  }

  private rebuildTerminals({ maker }: FileRebuilder): void {
    const { live, model } = this;
    const ownGroup = (group: number): number | undefined =>
      live.isOurs(group) ? live.ownPid(group) : undefined;
    const leader = (pid: number): Remote | undefined =>
      this.processes.find(({ state }) => state.process.pid === pid)?.remote;
    maker.ptys.control(leader, ownGroup);
    for (const { remote, table } of this.tables())
      for (const [fd, { file }] of table.all)
        // Others of the program's standard descriptors may lead elsewhere.
        if (file.what.kind === 'standard') rebuildTerminal(remote, fd, model.terminal, ownGroup);
  }

  private sharedMappings(): SharedMappings {
    const { engine, lost, model } = this;
    const remotes: Remote[] = [];
    this.eachSpace(({ remote }) => remotes.push(remote));
    return new SharedMappings(engine, model, remotes, (text) => lost.push(text));
  }

  /** Returns the paths of files with which it is settled whether they are as they were. */
  private rebuildShared(mappings: SharedMappings): ReadonlySet<string> {
    const { engine, lost, model } = this;
    const tell = (text: string): void => void lost.push(text);
    const spaces: { remote: Remote; space: ReplaySpace }[] = [];
    this.eachSpace(({ remote, task: { space } }) => spaces.push({ remote, space }));
    const processes = this.processes.map(({ remote, state: { process } }) => ({ remote, process }));
    const objects = new Map([...engine.recordedPaths].map(([base, path]) => [path, base]));
    const objectOf = (id: number): string | undefined =>
      engine.shared.find(objects.get(`SysV shm ${id}`) ?? '');
    new IpcRebuilder(spaces, processes, objectOf, tell).run(model.ipc, model.queues.values());
    return mappings.run();
  }

  /** The file that stands for a deleted one, or a memfd, that has been mapped; undefined if several have that name. */
  private mapped(name: string): string | undefined {
    const { recordedPaths, shared } = this.engine;
    const wanted = name.startsWith('memfd ') ? `/memfd:${name.slice(6)} (deleted)` : name;
    const found = [...recordedPaths].filter(
      ([base, path]) =>
        base.startsWith('object-') && (path === wanted || `${path} (deleted)` === wanted),
    );
    return found.length === 1 ? shared.find(found[0]![0]) : undefined;
  }

  /** A task at the entry of a call makes it for real. */
  private settle(task: ReplayTask): void {
    const { engine } = this;
    const { regs, tracer } = engine;
    if (task.at !== At.Entry) return;
    engine.load(task);
    const nr = regs.int(Reg.orig_rax);
    if (task.hasSpawned)
      throw new LiveError('NOT_SUPPORTED', `task ${task.uid} waits there for a child of vfork`);
    const original =
      nr === Sys.restart_syscall ? this.model.tasks.get(task.uid)!.restart : undefined;
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.rax, original ?? nr);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
  }

  /** Sessions are as they were, as children are born into them. */
  private rebuildGroups(): void {
    const { live, processes } = this;
    for (const { remote, state } of processes) {
      const { group, pid, session } = state.process;
      if (group === pid && session !== pid) remote.call('setpgid', 0, 0);
    }
    const lost = new Set<number>();
    for (const { remote, state } of processes) {
      const { group, pid } = state.process;
      if (group === undefined || group === pid) continue;
      if (!live.isOurs(group)) {
        // That of whoever started the recording; here it is that of replay.
        if (group !== remote.call('getpgrp')) lost.add(group);
      } else if (remote.call('setpgid', 0, live.ownPid(group)) < 0) lost.add(group);
    }
    for (const group of lost)
      this.lost.push(
        live.isOurs(group)
          ? `process group ${group} is the one of replay: its leader is gone`
          : 'its process group is the one of replay',
      );
  }
}

/** Waits until a process that has been sent SIGSTOP is stopped, but not for ever: somebody may continue or kill it. */
function awaitStop(tid: number): void {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < STOP_NAPS; i++) {
    const stat = readTaskFile(tid, 'stat');
    if (stat === undefined || /\) [TZX] /.test(stat)) return;
    Atomics.wait(nap, 0, 0, 1);
  }
}
