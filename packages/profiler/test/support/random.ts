/** Frames of every type with arbitrary content, the same for the same seed. */
import {
  syscallRows,
  type Backing,
  type Frame,
  type FrameType,
  type Mapping,
  type MemoryWrite,
  type Word,
} from '@scribe-ts/tracelog';

/** mulberry32: small, and good enough to choose with. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ADDRESSES = [0, 0x1000, 0x2000, 0x3000, 0x7ffe_0000_1000];

export class RandomFrames {
  constructor(private readonly random: () => number) {}

  int(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  word(): Word {
    switch (this.int(6)) {
      case 0:
        return this.pick(ADDRESSES);
      case 1:
        return this.int(256);
      case 2:
        return -this.int(600);
      case 3:
        return this.int(2 ** 32);
      case 4:
        return -(2n ** 63n) + BigInt(this.int(1000));
      default:
        return 2n ** 60n + BigInt(this.int(2 ** 31));
    }
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.pick([0, 1, 3, 4, 8, 12, 16, 24, 56, 64, 144, 300]));
    const zeros = this.random() < 0.3;
    for (let i = 0; i < bytes.length; i++) bytes[i] = zeros ? 0 : this.int(256);
    return bytes;
  }

  writes(): MemoryWrite[] {
    return Array.from({ length: this.int(4) }, () => ({
      addr: this.pick(ADDRESSES) + this.pick([0, 0, 0, 4, 56]),
      bytes: this.bytes(),
    }));
  }

  text(): string {
    return this.pick(['', 'a', '/usr/bin/date', 'line\nbreak', '\x1b[31mred\u009b', 'ümlaut "q"']);
  }

  mapping(): Mapping {
    const backing: Backing = this.pick<Backing>([
      { kind: 'anonymous' },
      { kind: 'file', hash: 'ab12', offset: 4096, path: this.text() },
      { kind: 'shared', object: 3, offset: 0, size: 8192, hash: '', path: this.text() },
    ]);
    return { start: 0x1000, end: 0x3000, prot: this.int(8), flags: this.int(64), backing };
  }

  frame(type: FrameType): Frame {
    const base = { task: this.int(5), time: this.int(1e9) };
    const nr = this.random() < 0.1 ? this.int(600) : this.pick(syscallRows).nr;
    switch (type) {
      case 'syscall': {
        const count = this.pick([0, 1, 3, 6, 6, 6]);
        const args = Array.from({ length: count }, () => this.word());
        const result = this.random() < 0.4 ? this.int(100) : this.word();
        return { ...base, type, nr, args, result, writes: this.writes() };
      }
      case 'block':
        return { ...base, type, nr };
      case 'mapping':
        return { ...base, type, mapping: this.mapping() };
      case 'spawn':
        return {
          ...base,
          type,
          child: this.int(9),
          stream: 1,
          flags: this.int(2 ** 31),
          tid: 7,
          pid: 7,
        };
      case 'task-start':
        return { ...base, type, parent: this.int(4), tid: 8, pid: 7, writes: this.writes() };
      case 'exec':
        return { ...base, type, stream: 2, ended: this.pick([[], [3, 12]]) };
      case 'image':
        return {
          ...base,
          type,
          tid: 7,
          pid: 7,
          path: this.text(),
          argv: [this.text(), this.text()],
          envp: [this.text()],
          mappings: [this.mapping(), this.mapping()],
          writes: this.writes(),
          regs: this.bytes(),
          brk: 0x5000,
        };
      case 'signal':
        return {
          ...base,
          type,
          signo: this.int(70),
          point: this.pick(['syscall-entry', 'syscall-exit', 'fault', 'anywhere'] as const),
          action: this.pick(['handler', 'ignored', 'terminate', 'stop', 'continue'] as const),
          siginfo: this.bytes(),
          rip: 0x401000,
          regs: this.bytes(),
          writes: this.writes(),
        };
      case 'trap':
        return {
          ...base,
          type,
          insn: this.pick(['rdtsc', 'rdtscp', 'cpuid'] as const),
          rip: 0x401000,
          values: [this.int(2 ** 32), 0, this.int(2 ** 32), -1],
        };
      case 'kernel-write':
        return { ...base, type, writes: this.writes() };
      case 'shared-write':
        return { ...base, type, object: 1, offset: 5, bytes: this.bytes(), size: 10 };
      case 'exit':
        return { ...base, type, status: this.int(0x10000), last: this.random() < 0.5 };
      case 'state':
        return { ...base, type, registers: this.pick(['', 'ab']), memory: this.pick(['', 'cd']) };
      case 'merge':
        return { ...base, type, from: 3 };
      case 'merged':
        return { ...base, type, into: 1 };
      case 'bookmark':
        return { ...base, type, id: 1 };
      case 'detach':
        return { ...base, type };
      case 'output':
        return { ...base, type, serial: 0, target: this.int(3), bytes: this.bytes() };
      case 'preempt':
        return {
          ...base,
          type,
          rip: 0x401000,
          code: this.bytes(),
          regs: this.bytes(),
          sse: this.bytes(),
          vector: 'ab',
          memory: this.writes(),
          stack: this.bytes(),
          pages: this.pick([[], [0x1000, 4096]]),
          pagesHash: this.pick(['', 'cd']),
          patchable: this.random() < 0.5,
          ran: this.int(1e9),
          counter: this.pick(['none', 'rounds', 'branches']),
          count: this.int(1e9),
          summed: this.pick([[], [0x2000, 8192]]),
          sums: this.bytes(),
        };
      case 'data': {
        const bytes = this.bytes();
        return { ...base, type, arg: this.int(6), size: bytes.length + this.pick([0, 5]), bytes };
      }
      case 'resource':
        return {
          ...base,
          type,
          kind: this.pick([
            'files_struct',
            'file',
            'inode',
            'pid',
            'futex',
            'ipc',
            'mmap',
            'ppid',
            'sunaddr',
          ] as const),
          id: 1,
          serial: this.int(50),
          desc: this.text(),
        };
      case 'registers':
        return { ...base, type, regs: this.bytes() };
      case 'counters':
        return { ...base, type, values: { instructions: 5, cycles: null } };
      case 'note':
        return { ...base, type, text: this.text() };
      case 'connection':
        return { ...base, type, id: this.int(50), local: this.bytes(), peer: this.bytes() };
    }
  }
}
