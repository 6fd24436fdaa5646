import { readFileSync } from 'node:fs';
import { parentNofile } from '@scribe-ts/core-native';
import type { ReplaySpace } from '../tasks.js';
import { type Tell, timespec } from './make-file.js';
import type { PendingSignals } from './model/pending-signals.js';
import { DEFAULT, type ProcessState, type TaskState } from './model/process-state.js';
import type { Remote } from './remote.js';
import { remaining } from './timers.js';

const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const PR_SET_MM = 35;
const PR_SET_MM_MAP = 14;
const RLIMIT_STACK = 3;
const RLIMIT_NOFILE = 7;
const SIGNAL_SET = 8;
const SIGCHLD = 17;
const IGNORED = 1;
/** SIGKILL and SIGSTOP. */
const UNBLOCKABLE: ReadonlySet<number> = new Set([9, 19]);
const PRIO_PROCESS = 0;
const SIGEVENT = 64;
const SIGEV_THREAD_ID = 4;
const TIMER_ABSTIME = 1;
const MAX_NAME = 15;
const ENOMEM = 12;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/** What all threads of a process have in common, but for descriptors, groups and timers. */
export function rebuildProcess(remote: Remote, state: TaskState, tell: Tell): void {
  const { process, directories } = state;
  // Those that the replay's own children have left.
  remote.call('rt_sigaction', SIGCHLD, remote.words(IGNORED, 0, 0, 0), 0, SIGNAL_SET);
  for (let signo = 1; signo < process.handlers.actions.length; signo++) {
    const action = process.handlers.actions[signo] ?? (signo === SIGCHLD ? DEFAULT : undefined);
    if (action === undefined) continue;
    const { handler, flags, restorer, mask } = action;
    const words = remote.words(handler, flags, restorer, mask);
    remote.call('rt_sigaction', signo, words, 0, SIGNAL_SET);
  }
  const entered = remote.call('chdir', remote.text(directories.cwd));
  if (entered < 0) tell(`working directory ${directories.cwd}: errno ${-entered}`);
  if (directories.umask !== undefined) remote.call('umask', directories.umask);
}

/**
 * What the kernel knows of an address space beside its mappings: the break, else malloc takes mmap; and what /proc shows as
 * the program and its arguments, where the right to set it is there.
 */
export function rebuildMemoryMap(remote: Remote, { brk, startBrk, program }: ReplaySpace): void {
  if (program === undefined) return;
  const { stack, path, strings } = program;
  const [args, argsEnd, env, envEnd] = strings ?? [stack, stack, stack, stack];
  // No code at all would be refused.
  const code = [stack, stack + 1, stack, stack];
  const map = [...code, startBrk, brk, stack, args, argsEnd, env, envEnd, 0];
  const exe = remote.call('open', remote.text(path), 0, 0);
  for (const fd of exe < 0 ? [-1] : [exe, -1]) {
    const words = remote.words(...map, BigInt(fd) << 32n);
    const size = (map.length + 1) * 8;
    if (remote.call('prctl', PR_SET_MM, PR_SET_MM_MAP, words, size, 0) === 0) break;
  }
  if (exe >= 0) remote.call('close', exe);
}

/** Memory that may not be paged out, and what has been registered for barriers. */
export function rebuildPromises(remote: Remote, process: ProcessState, tell: Tell): void {
  for (const command of process.barriers) {
    const result = remote.call('membarrier', command, 0, 0);
    if (result < 0) tell(`membarrier: errno ${-result}`);
  }
  for (const { start, end, flags } of process.locked) {
    const result = remote.call('mlock2', start, end - start, flags);
    // What has been unmapped since is not mapped here either.
    if (result < 0 && result !== -ENOMEM) tell(`locked memory: errno ${-result}`);
  }
}

/** Sends a process the signals again that were pending. The task whose `remote` it is must be of it, and blocks them. */
export function sendPending(
  remote: Remote,
  pending: PendingSignals,
  ownPid: (pid: number) => number,
  target: { readonly pid: number; readonly tid?: number },
): void {
  for (const { signo, info } of pending.all) {
    if (UNBLOCKABLE.has(signo)) continue;
    const bytes = info.slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setInt32(16, ownPid(view.getInt32(16, true)), true);
    const address = remote.put(bytes);
    if (target.tid === undefined) remote.call('rt_sigqueueinfo', target.pid, signo, address);
    else remote.call('rt_tgsigqueueinfo', target.pid, target.tid, signo, address);
  }
}

/** Lets the timers of setitimer run on. */
export function startTimers(remote: Remote, process: ProcessState, nowNs: number): void {
  for (const [which, setting] of process.intervalTimers) {
    const { value, interval } = remaining(setting, nowNs);
    const timeval = (ns: number): [number, number] => [
      Math.floor(ns / 1e9),
      Math.ceil((ns % 1e9) / 1e3),
    ];
    remote.call('setitimer', which, remote.words(...timeval(interval), ...timeval(value)), 0);
  }
}

/**
 * Makes the timers of timer_create again, with their ids, which the kernel counts up from 0. `ownTid` is given the id
 * that a thread had in the recording.
 */
export function makePosixTimers(
  remote: Remote,
  { posixTimers }: ProcessState,
  nowNs: number,
  ownTid: (tid: number) => number,
  tell: Tell,
): void {
  for (const [id, { clock, event, setting }] of [...posixTimers].sort(([a], [b]) => a - b)) {
    const made = makePosixTimer(remote, id, clock, event, ownTid);
    if (made !== id) {
      tell(`timer ${id}: ${made < 0 ? `errno ${-made}` : 'it has another id'}`);
      if (made >= 0) remote.call('timer_delete', made);
      continue;
    }
    if (setting === undefined) continue;
    const { value, interval } = remaining(setting, nowNs);
    const spec = remote.words(...timespec(interval), ...timespec(value));
    remote.call('timer_settime', id, setting.absolute ? TIMER_ABSTIME : 0, spec, 0);
  }
}

function makePosixTimer(
  remote: Remote,
  id: number,
  clock: number,
  event: Uint8Array | undefined,
  ownTid: (tid: number) => number,
): number {
  const bytes = new Uint8Array(SIGEVENT + 4);
  if (event !== undefined) {
    bytes.set(event);
    const view = new DataView(bytes.buffer);
    if (view.getInt32(12, true) === SIGEV_THREAD_ID)
      view.setInt32(16, ownTid(view.getInt32(16, true)), true);
  }
  for (;;) {
    const address = remote.put(bytes);
    const stored = address + SIGEVENT;
    const result = remote.call('timer_create', clock, event === undefined ? 0 : address, stored);
    if (result < 0) return result;
    const made = remote.int(SIGEVENT);
    if (made >= id || made < 0) return made;
    remote.call('timer_delete', made);
  }
}

/** CPUs that a thread has chosen. False: it may run on all that it has here. */
export function rebuildAffinity(remote: Remote, { affinity, tid }: TaskState, tell: Tell): boolean {
  if (affinity === undefined) return false;
  const result = remote.call('sched_setaffinity', 0, affinity.length, remote.put(affinity));
  if (result < 0) tell(`the CPUs of thread ${tid}: errno ${-result}`);
  return result >= 0;
}

/** What a thread has for itself, but for what it may do. `path`: of its program. */
export function rebuildTask(remote: Remote, state: TaskState, path: string | undefined): void {
  if (state.altStack !== undefined) {
    const { sp, flags, size } = state.altStack;
    remote.call('sigaltstack', remote.words(sp, flags >>> 0, size), 0);
  }
  remote.call('set_tid_address', state.clearTid);
  if (state.robustList !== undefined)
    remote.call('set_robust_list', state.robustList.head, state.robustList.length);
  for (const [option, args] of state.settings) remote.call('prctl', option, ...args);
  const name = state.name ?? path?.split('/').pop();
  if (name !== undefined)
    remote.call('prctl', PR_SET_NAME, remote.text(name.slice(0, MAX_NAME)), 0, 0, 0);
  if (state.nice !== undefined) remote.call('setpriority', PRIO_PROCESS, 0, state.nice);
}

/** Who a thread is, and what it may do. The last step: after it most others are not allowed. */
export function rebuildCredentials(remote: Remote, state: TaskState): void {
  const { uids, gids, groups } = state.credentials;
  if (groups !== undefined) {
    const list = new Uint8Array(Uint32Array.from(groups).buffer);
    remote.call('setgroups', groups.length, remote.put(list));
  }
  if (gids !== undefined) remote.call('setresgid', ...gids);
  if (uids !== undefined) remote.call('setresuid', ...uids);
  if (process.geteuid!() !== 0) {
    // In a user namespace of ours it has the right to choose ids, which nobody else has.
    const nothing = new Uint8Array(32);
    new DataView(nothing.buffer).setUint32(0, LINUX_CAPABILITY_VERSION_3, true);
    const header = remote.put(nothing);
    remote.call('capset', header, header + 8);
  }
  // Changed ids have made it 0.
  if (state.parentDeathSignal !== 0)
    remote.call('prctl', PR_SET_PDEATHSIG, state.parentDeathSignal, 0, 0, 0);
}

/** Those that the program set, and those that Node and the replay have changed for themselves. */
export function setLimits(remote: Remote, { limits: set }: ProcessState): void {
  const limits = new Map(set);
  if (!limits.has(RLIMIT_STACK)) limits.set(RLIMIT_STACK, ownLimit('Max stack size'));
  const files = parentNofile();
  if (!limits.has(RLIMIT_NOFILE) && files !== undefined)
    limits.set(RLIMIT_NOFILE, [BigInt(files), ownLimit('Max open files')[1]]);
  for (const [resource, [soft, hard]] of limits)
    remote.call('prlimit64', 0, resource, remote.words(soft, hard), 0);
}

function ownLimit(name: string): [bigint, bigint] {
  const pattern = new RegExp(`^${name}\\s+(\\d+|unlimited)\\s+(\\d+|unlimited)`, 'm');
  const [, soft, hard] = pattern.exec(readFileSync('/proc/self/limits', 'latin1'))!;
  const value = (text: string): bigint => (text === 'unlimited' ? 2n ** 64n - 1n : BigInt(text));
  return [value(soft!), value(hard!)];
}
