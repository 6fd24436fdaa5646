import { addon, type Addon } from './addon.js';

/**
 * Makes cpuid trap in the calling thread as it does in its tracees, so that switching between them changes nothing in the
 * CPU (measured: 2.3 µs a stop instead of 17–23 µs). The thread's own cpuid instructions are answered by a handler. false
 * if the CPU can't.
 */
export const trapCpuidHere: Addon['trapCpuidHere'] = addon.trapCpuidHere;

/**
 * The same for rdtsc, from the calling thread's 500th wait for tasks on, where it pays. For a thread that starts processes by
 * Tracer.spawn alone: others that it starts could not read the time.
 */
export const matchTscHere: Addon['matchTscHere'] = addon.matchTscHere;

/** CPU numbers a task may run on (tid 0: the calling thread). */
export const getAffinity: Addon['getAffinity'] = addon.getAffinity;
export const setAffinity: Addon['setAffinity'] = addon.setAffinity;
/** The CPU the calling thread is on at this moment. */
export const currentCpu: Addon['currentCpu'] = addon.currentCpu;
/** Makes this process the parent of its descendants' orphans (PR_SET_CHILD_SUBREAPER). */
export const setSubreaper: Addon['setSubreaper'] = addon.setSubreaper;
/** The calling thread's tid. */
export const gettid: Addon['gettid'] = addon.gettid;
/** CLOCK_MONOTONIC in ns. */
export const monotonicNs: Addon['monotonicNs'] = addon.monotonicNs;
/** Processor time of the calling thread (CLOCK_THREAD_CPUTIME_ID) in ns. */
export const threadCpuNs: Addon['threadCpuNs'] = addon.threadCpuNs;
/** Processor time that all threads of a process have had, those that have ended as well, in ns; NaN: there is no such process. */
export const processCpuNs: Addon['processCpuNs'] = addon.processCpuNs;
/**
 * Locks an open file or directory for this process alone (flock) until the descriptor is closed, at the latest when the process
 * ends, however it ends. `waits`: until whoever has the lock is through with it. false: somebody else has it.
 */
export const lockFile: Addon['lockFile'] = addon.lockFile;
/** The cpuid instruction: [eax, ebx, ecx, edx], unsigned. */
export const cpuid: Addon['cpuid'] = addon.cpuid;
/** Where clock_gettime is in this kernel's vDSO, bytes from its beginning; 0 if it has none. */
export const vdsoClockOffset: Addon['vdsoClockOffset'] = addon.vdsoClockOffset;
/** The time stamp counter, as unsigned halves. */
export const readTsc: Addon['readTsc'] = addon.readTsc;
/** An open file of a task; undefined if the descriptor isn't open. ESRCH if the task is gone. */
export const statFd: Addon['statFd'] = addon.statFd;
/** As statFd, without flags and position: a third of the time. */
export const identifyFd: Addon['identifyFd'] = addon.identifyFd;
/**
 * What a socket of a process is connected with, without a call of its own; undefined if the descriptor is of no socket.
 * `pid`: the leader, whose descriptors they are. Throws NativeError where that is refused (EPERM), or not known (ENOSYS, before
 * Linux 5.6), or the process or the descriptor is gone.
 */
export const socketEnds: Addon['socketEnds'] = addon.socketEnds;
/**
 * Inode of the socket that a connected unix socket's other end is, by its own inode; 0 if that is closed, or not to be known: in
 * another network namespace, or from a kernel without sock_diag(7) for unix sockets.
 */
export const unixPeer: Addon['unixPeer'] = addon.unixPeer;
/** What /proc/TID/NAME holds, as latin1 text; undefined if it cannot be read: the task is gone, or the file somebody else's. */
export const readTaskFile: Addon['readTaskFile'] = addon.readTaskFile;
/** State letter of a task as /proc shows it; 'X' if it is gone. */
export function stateOf(tid: number): string {
  const stat = readTaskFile(tid, 'stat');
  return stat?.[stat.lastIndexOf(')') + 2] ?? 'X';
}
/** /proc/TID/maps, by ascending address. */
export const parseMaps: Addon['parseMaps'] = addon.parseMaps;

/**
 * The soft RLIMIT_NOFILE of the process that started this one, which is what this one had before Node raised its own;
 * undefined if it can't be read or is unlimited.
 */
export function parentNofile(): number | undefined {
  const limits = readTaskFile(process.ppid, 'limits') ?? '';
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
