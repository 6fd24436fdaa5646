import { readFileSync } from 'node:fs';
import {
  type CpuPolicy,
  EventKind,
  freeInstructions,
  parentNofile,
  parseMaps,
  Reg,
  Sys,
  unmapReserved,
} from '@scribe-ts/core-native';
import type { Engine } from '../engine.js';
import { At, type ReplayTask } from '../tasks.js';
import type { KernelModel } from './model/kernel-model.js';
import type { ProcessState, TaskState } from './model/process-state.js';
import { FileRebuilder, type Tell } from './rebuild-files.js';
import { Remote } from './remote.js';
import { remaining } from './timers.js';

const PR_SET_NAME = 15;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
const RLIMIT_STACK = 3;
const RLIMIT_NOFILE = 7;
const SIGNAL_SET = 8;
const PRIO_PROCESS = 0;

/** A replay cannot become a program here. `code`: NOT_REACHED, NOT_SUPPORTED, NEW_PIDS or INCOMPLETE. */
export class LiveError extends Error {
  constructor(
    readonly code: 'NOT_REACHED' | 'NOT_SUPPORTED' | 'NEW_PIDS' | 'INCOMPLETE',
    message: string,
  ) {
    super(message);
    this.name = 'LiveError';
  }
}

/** Turns a replay that stands at its bookmark into a program that runs by itself, and waits for its end. */
export class GoLive {
  private readonly model: KernelModel;
  /** What is not as it was. */
  private readonly lost: string[] = [];
  private readonly nowNs: number;

  constructor(
    private readonly engine: Engine,
    private readonly cpus: CpuPolicy,
    private readonly allowNewPids: boolean,
  ) {
    this.nowNs = engine.bookmarkTime;
    this.model = engine.kernel!.model;
  }

  /**
   * Rebuilds the kernel's side. Nothing of the program has run when it throws LiveError. `tell` gets what cannot come
   * back, before anything runs.
   */
  prepare(requireComplete: boolean, tell: Tell): void {
    const { engine, model, lost } = this;
    const tasks = this.tasks();
    const { pid, tid } = tasks[0]!;
    if (!this.allowNewPids && pid !== tid)
      throw new LiveError(
        'NEW_PIDS',
        `the process was ${pid} in the recording, and would be ${tid}`,
      );
    for (const text of model.contradictions) lost.push(`not sure of what the kernel knew: ${text}`);
    for (const name of model.unknown) lost.push(`what ${name} changed is not made again`);
    this.checkMappings(tasks[0]!);
    for (const task of tasks) this.settle(task);
    const leader = tasks[0]!;
    const state = model.tasks.get(leader.uid)!;
    const remote = new Remote(engine.tracer, leader.tid);
    this.rebuildProcess(remote, state.process, state);
    new FileRebuilder(remote, state.files, this.nowNs, (text) => lost.push(text)).run();
    for (const text of lost) tell(text);
    if (requireComplete && lost.length > 0)
      throw new LiveError('INCOMPLETE', 'not everything can come back');
  }

  /** Lets the program go, and waits for its end. Returns its wait status. */
  run(): number {
    const { engine } = this;
    const { tracer } = engine;
    const tasks = this.tasks();
    const leader = tasks[0]!;
    this.startTimers(new Remote(tracer, leader.tid), this.model.tasks.get(leader.uid)!.process);
    for (const task of tasks) this.rebuildTask(task, this.model.tasks.get(task.uid)!);
    // The last of them takes the pages along through which the others' calls were made.
    unmapReserved(tracer, leader.tid);
    for (const task of [...tasks].reverse()) {
      const { mask } = this.model.tasks.get(task.uid)!;
      if (mask !== undefined)
        tracer.setSigmask(task.tid, new Uint8Array(new BigUint64Array([mask]).buffer));
      this.cpus.release(task.tid);
      engine.byTid.delete(task.tid);
      tracer.detach(task.tid, 0);
    }
    for (;;) {
      const kind = tracer.wait(-1);
      if (kind === EventKind.NoTracees) throw new Error('the program is nobody’s child');
      if (kind === EventKind.Exited && tracer.event[0] === leader.tid) return tracer.event[3]!;
    }
  }

  /** The threads of the one process there is, its first one first. */
  private tasks(): ReplayTask[] {
    const tasks = [...this.engine.tasks.values()].filter(({ at }) => at !== At.Dead);
    const processes = new Set(tasks.map(({ pid }) => pid));
    if (tasks.length === 0) throw new LiveError('NOT_SUPPORTED', 'every process has ended there');
    if (processes.size > 1)
      throw new LiveError(
        'NOT_SUPPORTED',
        `${processes.size} processes run there, and only one can go live`,
      );
    const leader = tasks.findIndex(({ recordedTid, pid }) => recordedTid === pid);
    if (leader < 0 || tasks[leader]!.tid !== this.engine.rootTid)
      throw new LiveError(
        'NOT_SUPPORTED',
        'the process that runs there is not the one that was started',
      );
    tasks.unshift(...tasks.splice(leader, 1));
    for (const { uid, at } of tasks) {
      if (at !== At.User && at !== At.Entry && at !== At.Fault)
        throw new LiveError('NOT_SUPPORTED', `task ${uid} is ${At[at]} there`);
    }
    const { root } = this.model.tasks.get(tasks[0]!.uid)!.directories;
    if (root !== '/') throw new LiveError('NOT_SUPPORTED', `its root directory is ${root}`);
    return tasks;
  }

  /** Shared mappings are of files that the replay made. */
  private checkMappings(task: ReplayTask): void {
    for (const { shared, name } of parseMaps(task.tid)) {
      if (!shared || !name.includes('/scribe-replay-')) continue;
      const base = /\/(object-\d+)/.exec(name)?.[1] ?? '';
      const path = this.engine.recordedPaths.get(base) ?? '';
      if (path.startsWith('/') && !path.startsWith('/dev/zero'))
        this.lost.push(
          `memory shared with ${path} is a copy: what is stored there reaches no file`,
        );
    }
  }

  /** A task at the entry of a call makes it for real. */
  private settle(task: ReplayTask): void {
    const { engine } = this;
    const { regs, tracer } = engine;
    if (task.at !== At.Entry) return;
    engine.load(task);
    const nr = regs.int(Reg.orig_rax);
    const original =
      nr === Sys.restart_syscall ? this.model.tasks.get(task.uid)!.restart : undefined;
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.rax, original ?? nr);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
  }

  private rebuildProcess(remote: Remote, process: ProcessState, state: TaskState): void {
    const { lost } = this;
    for (const [signo, action] of process.handlers.actions.entries()) {
      if (action === undefined || signo === 0) continue;
      const { handler, flags, restorer, mask } = action;
      remote.call(
        'rt_sigaction',
        signo,
        remote.words(handler, flags, restorer, mask),
        0,
        SIGNAL_SET,
      );
    }
    const { cwd, umask } = state.directories;
    const entered = remote.call('chdir', remote.text(cwd));
    if (entered < 0) lost.push(`working directory ${cwd}: errno ${-entered}`);
    if (umask !== undefined) remote.call('umask', umask);
    if (process.posixTimers.size > 0)
      lost.push(`${process.posixTimers.size} timers of timer_create`);
    if (process.session === process.pid) remote.call('setsid');
    else if (process.group === process.pid) remote.call('setpgid', 0, 0);
    else if (process.group !== undefined && process.group !== remote.call('getpgrp'))
      lost.push('its process group is the one of replay');
    if (process.recordLocks.length > 0) lost.push('locks of fcntl are not taken again');
    for (const [fd, { file }] of state.files.all)
      if (file.flock !== 0) lost.push(`descriptor ${fd}: its lock of flock is not taken again`);
    this.moveBreak(remote);
  }

  /** The kernel's idea of the program break is the stub's; where it cannot be told, malloc takes mmap. */
  private moveBreak(remote: Remote): void {
    const task = this.tasks()[0]!;
    const { brk, program } = task.space;
    const stack = program?.stack ?? 0;
    const none = 0xffffffffn << 32n;
    const map = [stack, stack, stack, stack, brk, brk, stack, stack, stack, stack, stack, 0, none];
    remote.call('prctl', PR_SET_MM, PR_SET_MM_MAP, remote.words(...map), map.length * 8, 0);
  }

  private startTimers(remote: Remote, process: ProcessState): void {
    for (const [which, setting] of process.intervalTimers) {
      const { value, interval } = remaining(setting, this.nowNs);
      const timeval = (ns: number): [number, number] => [
        Math.floor(ns / 1e9),
        Math.ceil((ns % 1e9) / 1e3),
      ];
      remote.call('setitimer', which, remote.words(...timeval(interval), ...timeval(value)), 0);
    }
  }

  private rebuildTask(task: ReplayTask, state: TaskState): void {
    const { tracer } = this.engine;
    const remote = new Remote(tracer, task.tid);
    if (state.altStack !== undefined) {
      const { sp, flags, size } = state.altStack;
      remote.call('sigaltstack', remote.words(sp, flags >>> 0, size), 0);
    }
    remote.call('set_tid_address', state.clearTid);
    if (state.robustList !== undefined)
      remote.call('set_robust_list', state.robustList.head, state.robustList.length);
    for (const [option, args] of state.settings) remote.call('prctl', option, ...args);
    const name = state.name ?? task.space.program?.path.split('/').pop();
    if (name !== undefined)
      remote.call('prctl', PR_SET_NAME, remote.text(name.slice(0, 15)), 0, 0, 0);
    if (state.nice !== undefined) remote.call('setpriority', PRIO_PROCESS, 0, state.nice);
    if (task === this.tasks()[0]) this.setLimits(remote, state.process);
    freeInstructions(tracer, task.tid);
    const { uids, gids, groups } = state.credentials;
    if (groups !== undefined) {
      const list = new Uint8Array(Uint32Array.from(groups).buffer);
      remote.call('setgroups', groups.length, remote.put(list));
    }
    if (gids !== undefined) remote.call('setresgid', ...gids);
    if (uids !== undefined) remote.call('setresuid', ...uids);
  }

  /** Those that the program set, and those that Node and the replay have changed for themselves. */
  private setLimits(remote: Remote, process: ProcessState): void {
    const limits = new Map(process.limits);
    const own = (name: string): [bigint, bigint] => {
      const pattern = new RegExp(`^${name}\\s+(\\d+|unlimited)\\s+(\\d+|unlimited)`, 'm');
      const [, soft, hard] = pattern.exec(readFileSync('/proc/self/limits', 'latin1'))!;
      const value = (text: string): bigint =>
        text === 'unlimited' ? 2n ** 64n - 1n : BigInt(text);
      return [value(soft!), value(hard!)];
    };
    if (!limits.has(RLIMIT_STACK)) limits.set(RLIMIT_STACK, own('Max stack size'));
    const files = parentNofile();
    if (!limits.has(RLIMIT_NOFILE) && files !== undefined)
      limits.set(RLIMIT_NOFILE, [BigInt(files), own('Max open files')[1]]);
    for (const [resource, [soft, hard]] of limits)
      remote.call('prlimit64', 0, resource, remote.words(soft, hard), 0);
  }
}
