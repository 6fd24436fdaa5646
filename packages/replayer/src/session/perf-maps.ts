import { ARGUMENT_REGS, Sys } from '@scribe-ts/core-native';
import type { SyscallFrame } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import type { ReplayTask } from '../tasks.js';

const MAP_PATH = /\/perf-(\d+)\.map$/;
const MAX_PATH = 4096;
/** Bytes of one write that are looked at: more is no map. */
const MAX_WRITE = 64 * 1024 * 1024;
const O_TRUNC = 0o1000;
const IOVEC_SIZE = 16;

/** What a just-in-time compiler has told of its code: lines of `start size name`, in hexadecimal. */
export class PerfMap {
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly names: string[] = [];
  /** A line that has no end yet. */
  private rest = '';

  add(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop()!;
    for (const line of lines) {
      const parts = /^(?:0x)?([0-9a-f]+) (?:0x)?([0-9a-f]+) (.*)$/i.exec(line);
      if (parts === null) continue;
      const start = Number.parseInt(parts[1]!, 16);
      this.starts.push(start);
      this.ends.push(start + Number.parseInt(parts[2]!, 16));
      this.names.push(parts[3]!);
    }
  }

  /** The newest code at an address: memory is used again. */
  find(address: number): { readonly name: string; readonly start: number } | undefined {
    for (let i = this.starts.length - 1; i >= 0; i--) {
      if (address >= this.starts[i]! && address < this.ends[i]!)
        return { name: this.names[i]!, start: this.starts[i]! };
    }
    return undefined;
  }
}

/**
 * The maps that recorded programs wrote, as `/tmp/perf-PID.map` of the recording. A replay opens no file; but the program
 * passes the path and every line by here again, so what counts is what it wrote then.
 */
export class PerfMaps {
  private readonly byPid = new Map<number, PerfMap>();
  /** The maps that each process has open, by descriptor. */
  private readonly open = new Map<number, Map<number, PerfMap>>();

  constructor(private readonly engine: Engine) {}

  find(
    pid: number,
    address: number,
  ): { readonly name: string; readonly start: number } | undefined {
    return this.byPid.get(pid)?.find(address);
  }

  /** Looks at a call that has been applied; its arguments are still in the registers. */
  callApplied(task: ReplayTask, { nr, result }: SyscallFrame): void {
    if (typeof result !== 'number' || result < 0) return;
    if (nr === Sys.openat || nr === Sys.open || nr === Sys.creat) this.opened(task, nr, result);
    else if (this.open.size > 0) this.used(task, nr, result);
  }

  private opened(task: ReplayTask, nr: number, fd: number): void {
    const at = nr === Sys.openat ? 1 : 0;
    const path = this.engine.tracer.readString(task.tid, this.argument(at), MAX_PATH);
    const pid = MAP_PATH.exec(Buffer.from(path).toString('latin1'))?.[1];
    const files = this.open.get(task.pid);
    files?.delete(fd);
    if (pid === undefined) return;
    let map = this.byPid.get(Number(pid));
    const isEmptied = nr === Sys.creat || (this.argument(at + 1) & O_TRUNC) !== 0;
    if (map === undefined || isEmptied) this.byPid.set(Number(pid), (map = new PerfMap()));
    if (files === undefined) this.open.set(task.pid, new Map([[fd, map]]));
    else files.set(fd, map);
  }

  private used(task: ReplayTask, nr: number, result: number): void {
    const files = this.open.get(task.pid);
    const fd = this.argument(0);
    const map = files?.get(fd);
    if (map === undefined || result > MAX_WRITE) return;
    if (nr === Sys.close) files!.delete(fd);
    else if (nr === Sys.write || nr === Sys.pwrite64)
      map.add(this.text(task, this.argument(1), result));
    else if (nr === Sys.writev) this.gathered(task, map, this.argument(1), result);
  }

  private gathered(task: ReplayTask, map: PerfMap, vector: number, size: number): void {
    const entry = Buffer.alloc(IOVEC_SIZE);
    for (let at = vector, left = size; left > 0; at += IOVEC_SIZE) {
      if (this.engine.tracer.readMemory(task.tid, at, entry, 0, IOVEC_SIZE) !== IOVEC_SIZE) return;
      const length = Math.min(left, Number(entry.readBigUInt64LE(8)));
      map.add(this.text(task, Number(entry.readBigUInt64LE(0)), length));
      left -= length;
    }
  }

  private text({ tid }: ReplayTask, addr: number, length: number): string {
    const bytes = Buffer.alloc(length);
    const got = this.engine.tracer.readMemory(tid, addr, bytes, 0, length);
    return bytes.toString('utf8', 0, got);
  }

  private argument(index: number): number {
    return this.engine.regs.address(ARGUMENT_REGS[index]!);
  }
}
