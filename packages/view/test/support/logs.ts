/** Logs made of a few frames, and of many. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogWriter, syscallByName, type Frame, type NewLogHeader } from '@scribe-ts/tracelog';
import type { ExecutionContext } from 'ava';

export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'view-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const header: NewLogHeader = {
  writer: 'scribe-ts 0.1.0',
  command: ['server', '--port', '80'],
  cwd: '/srv',
  root: '/',
  env: [],
  startedAt: 1_700_000_000,
  verbosity: 'sSrmdgpT',
  machine: {
    kernel: '6.1.0',
    arch: 'x86_64',
    cpu: 'A CPU',
    cpus: 2,
    hostname: 'host',
    uid: 1000,
    gid: 1000,
    pageSize: 4096,
  },
  store: '/nonexistent',
  missing: [],
  stdio: [],
};

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const nr = (name: string): number => syscallByName.get(name)!.nr;

export function call(
  name: string,
  task: number,
  time: number,
  more: Partial<Extract<Frame, { type: 'syscall' }>> = {},
): Frame {
  return { type: 'syscall', task, time, nr: nr(name), args: [], result: 0, writes: [], ...more };
}

export function start(task: number, time: number, parent: number, tid: number, pid: number): Frame {
  return { type: 'task-start', task, time, parent, tid, pid, writes: [] };
}

export function image(task: number, time: number, pid: number, path: string): Frame {
  return {
    type: 'image',
    task,
    time,
    tid: pid,
    pid,
    path,
    argv: [path, '-v'],
    envp: [],
    mappings: [],
    writes: [],
    regs: new Uint8Array(216),
    brk: 0,
  };
}

export function file(task: number, time: number, id: number, desc: string): Frame {
  return { type: 'resource', task, time, kind: 'file', id, serial: 0, desc };
}

export function writeLog(
  path: string,
  streams: Readonly<Record<number, readonly Frame[]>>,
  options: { readonly truncated?: boolean; readonly chunkBytes?: number } = {},
): void {
  const { truncated, chunkBytes } = options;
  const writer = LogWriter.create(path, header, chunkBytes === undefined ? {} : { chunkBytes });
  for (const [stream, frames] of Object.entries(streams)) {
    for (const frame of frames) writer.append(Number(stream), frame);
  }
  writer.close(truncated === undefined ? {} : { truncated });
}

/**
 * Two threads that share a stream, and a process beside them. Thread 3 blocks in a futex from 3000 to 9000 while 2 runs; 2
 * waits for its turn from 4000 to 5000; 3 is in a read that never comes back when it is killed.
 */
export const story: Readonly<Record<number, readonly Frame[]>> = {
  1: [
    start(2, 0, 1, 100, 100),
    image(2, 1000, 100, '/usr/sbin/server'),
    { type: 'data', task: 2, time: 2000, arg: 1, size: 10, bytes: bytes('/etc/hosts') },
    call('openat', 2, 2000, { args: [-100, 0x1000, 0, 0], result: 3, duration: 500 }),
    { type: 'spawn', task: 2, time: 2500, child: 3, stream: 1, flags: 0x100, tid: 101, pid: 100 },
    call('clone', 2, 2500, { args: [0x100, 0, 0, 0, 0], result: 101, duration: 100 }),
    start(3, 2600, 2, 101, 100),
    { type: 'block', task: 3, time: 3000, nr: nr('futex') },
    file(2, 4000, 7, '/etc/hosts'),
    call('read', 2, 4000, {
      args: [3, 0x2000, 100],
      result: 9,
      duration: 400,
      writes: [{ addr: 0x2000, bytes: bytes('localhost') }],
    }),
    call('futex', 3, 9000, { args: [0, 0, 0, 0, 0, 0], duration: 6000 }),
    file(2, 10_000, 8, 'socket:[5]'),
    { type: 'data', task: 2, time: 10_000, arg: 1, size: 300, bytes: bytes('HTTP/1.1 200 OK') },
    call('write', 2, 10_000, { args: [4, 0x3000, 300], result: 300, duration: 800 }),
    { type: 'data', task: 2, time: 11_000, arg: 0, size: 5, bytes: bytes('/none') },
    call('unlink', 2, 11_000, { args: [0x4000], result: -2, duration: 200 }),
    { type: 'block', task: 3, time: 12_000, nr: nr('read') },
    { type: 'bookmark', task: 2, time: 13_000, id: 1 },
    { type: 'exit', task: 3, time: 14_000, status: 9, last: false },
    { type: 'note', task: 2, time: 14_500, text: 'io_uring_setup was refused' },
    { type: 'exit', task: 2, time: 15_000, status: 9, last: true },
  ],
  2: [
    start(4, 5000, 2, 200, 200),
    {
      type: 'signal',
      task: 4,
      time: 6000,
      signo: 10,
      point: 'syscall-exit',
      action: 'ignored',
      siginfo: new Uint8Array(128),
      rip: 0,
      regs: new Uint8Array(0),
      writes: [],
    },
    { type: 'exit', task: 4, time: 7000, status: 3 << 8, last: true },
  ],
};

/** So many events of several tasks, from a seed. */
export function randomStreams(seed: number, events: number, tasks = 3): Record<number, Frame[]> {
  let state = seed >>> 0 || 1;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  const names = ['read', 'write', 'openat', 'futex', 'mmap', 'recvfrom', 'getpid'];
  const frames: Frame[] = [];
  const other: Frame[] = [];
  let time = 0;
  for (let i = 0; i < events; i++) {
    const task = 2 + Math.floor(random() * tasks);
    const duration = Math.floor(random() * 40) * 1000;
    time += duration + Math.floor(random() * 3) * 1000 + (random() < 0.01 ? 3_000_000 : 0);
    const list = task === 2 ? other : frames;
    const name = names[Math.floor(random() * names.length)]!;
    const failed = random() < 0.1;
    list.push(file(task, time, 10 + (i % 5), `/data/${i % 5}`));
    list.push(
      call(name, task, time, {
        args: [3, 0x1000, 64],
        duration,
        result: failed ? -2 : 1 + Math.floor(random() * 63),
        writes: name === 'read' && !failed ? [{ addr: 0x1000, bytes: bytes(`event ${i}`) }] : [],
      }),
    );
  }
  return { 1: other, 2: frames };
}
