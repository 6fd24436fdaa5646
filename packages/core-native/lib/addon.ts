import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { NativeTracer, ProcMapping } from './binding.js';
import { NativeError } from './errors.js';

/** An open file of a task. `flags`: O_* bits with O_CLOEXEC; `path`: a path or 'pipe:[N]', 'anon_inode:NAME' … */
export interface FdStat extends FdIdentity {
  readonly flags: number;
  readonly position: number;
}

/** What file a descriptor refers to. */
export interface FdIdentity {
  readonly dev: number;
  readonly ino: number;
  readonly mode: number;
  readonly rdev: number;
  readonly size: number;
  readonly path: string;
}

/** What a socket is, and what it is connected with. */
export interface SocketEnds {
  /** SOCK_STREAM and so on. */
  readonly type: number;
  /** struct sockaddr as getsockname and getpeername tell them; empty where they tell none. */
  readonly local: Uint8Array;
  readonly peer: Uint8Array;
  /** Process that a unix socket was connected by, or that made it listen (SO_PEERCRED), as seen from here; 0: none. */
  readonly peerPid: number;
  /** Tells it from all other sockets of the kernel's. */
  readonly inode: number;
}

export interface Addon {
  readonly Tracer: new () => NativeTracer;
  setNativeError(constructor: typeof NativeError): void;
  interrupt(token: number): boolean;
  interruptAllForGood(): void;
  cpuid(leaf: number, subleaf: number): [number, number, number, number];
  vdsoClockOffset(): number;
  readTsc(): { low: number; high: number };
  trapCpuidHere(): boolean;
  matchTscHere(): void;
  getAffinity(tid: number): number[];
  setAffinity(tid: number, cpus: readonly number[]): void;
  currentCpu(): number;
  setSubreaper(on: boolean): void;
  gettid(): number;
  monotonicNs(): number;
  threadCpuNs(): number;
  processCpuNs(pid: number): number;
  lockFile(fd: number, waits: boolean): boolean;
  /**
   * [start, end) of the first bytes at or after `offset` that are no hole of an open file; undefined if only a hole is left.
   * Moves the descriptor's offset.
   */
  nextData(fd: number, offset: number): readonly [number, number] | undefined;
  /**
   * `size` bytes of an open file from `offset` on, shared with everyone who has them mapped, until unmapShared is called with their buffer.
   */
  mapShared(fd: number, offset: number, size: number): Uint8Array;
  unmapShared(pages: ArrayBufferLike): void;
  statFd(tid: number, fd: number): FdStat | undefined;
  identifyFd(tid: number, fd: number): FdIdentity | undefined;
  socketEnds(pid: number, fd: number): SocketEnds | undefined;
  unixPeer(inode: number): number;
  readTaskFile(tid: number, name: string): string | undefined;
  parseMaps(tid: number): ProcMapping[];
  openCounters(tid: number): number;
  readCounters(handle: number): (number | null)[];
  closeCounters(handle: number): void;
  openEventCounter(tid: number, type: number, config: number): number;
  readEventCounter(handle: number): number;
  stopAfterEvents(handle: number, events: number): void;
  closeEventCounter(handle: number): void;
}

// lib/ and dist/ are both one level below the package.
export const addon = createRequire(import.meta.url)('../build/Release/core_native.node') as Addon;

addon.setNativeError(NativeError);

// The process's end joins its workers: one that stays in a blocking wait would hang it.
if (isMainThread) process.on('exit', () => addon.interruptAllForGood());
