// Measures the log: frames a second written and read, and bytes a frame. Run after `npm run build`:
//   node packages/tracelog/bench/codec.mjs [FRAMES]
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogWriter, openLog } from '@scribe-ts/tracelog';

const count = Number(process.argv[2] ?? 500_000);
const dir = mkdtempSync(join(tmpdir(), 'tracelog-bench-'));
const header = {
  writer: 'bench',
  command: ['bench'],
  cwd: '/',
  root: '/',
  env: [],
  startedAt: 0,
  verbosity: '0',
  machine: {
    kernel: '',
    arch: 'x86_64',
    cpu: '',
    cpus: 1,
    hostname: '',
    uid: 0,
    gid: 0,
    pageSize: 4096,
  },
  store: '/',
  missing: [],
  stdio: [],
};

// A small generator of its own, so that every run measures the same frames.
let seed = 1;
function random(limit) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}

const payload = new Uint8Array(4096);
for (let i = 0; i < payload.length; i++) payload[i] = 32 + random(80);

/** Frames of `makers` in turn, at random distances of some microseconds. */
function framesOf(makers) {
  seed = 1;
  let time = 1_000_000;
  return Array.from({ length: Math.min(count, 100_000) }, () => {
    time += 2000 + random(3000);
    return { type: 'syscall', task: 2, time, ...makers[random(makers.length)]() };
  });
}

const stack = 0x7ffd1c40a000;
const heap = 0x55d0c2f01000;
const getppid = () => ({ nr: 110, args: [], result: 4711, writes: [] });
const read = () => {
  const length = 1 + random(64);
  const addr = heap + random(256) * 16;
  return {
    nr: 0,
    args: [3 + random(8), addr, 4096],
    result: length,
    writes: [{ addr, bytes: payload.subarray(0, length) }],
  };
};
const write = () => {
  const length = 1 + random(200);
  return { nr: 1, args: [1, heap + random(64) * 16, length], result: length, writes: [] };
};
const futex = () => ({
  nr: 202,
  args: [stack - random(8) * 64, 128, 1, 0, 0, 0xffffffff],
  result: -11,
  writes: [],
});
const clock = () => {
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 4; i++) bytes[8 + i] = random(256);
  return { nr: 228, args: [1, stack], result: 0, writes: [{ addr: stack, bytes }] };
};
const close = () => ({ nr: 3, args: [3 + random(8)], result: 0, writes: [] });
const bulk = () => ({
  nr: 0,
  args: [3, heap, 4096],
  result: 4096,
  writes: [{ addr: heap, bytes: payload }],
});

const sets = {
  getppid: [getppid],
  'write, close': [write, close],
  mixed: [read, write, futex, clock, close],
  'read 4 KiB': [bulk],
};

function timed(work) {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

function report(name, what, ns, frames, extra = '') {
  const each = (ns / frames).toFixed(0).padStart(6);
  const rate = (frames / ns / 1e-9 / 1e6).toFixed(2).padStart(6);
  console.log(`${name.padEnd(14)} ${what.padEnd(28)} ${each} ns/frame ${rate} M frames/s ${extra}`);
}

try {
  for (const [name, makers] of Object.entries(sets)) {
    const frames = framesOf(makers);
    const total = name === 'read 4 KiB' ? Math.min(count, 50_000) : count;
    for (const level of [0, 1, 2, 3]) {
      const path = join(dir, `${level}.log`);
      for (let round = 0; round < 2; round++) {
        const options = { compressionLevel: level, maxDelayMs: Infinity };
        const writer = LogWriter.create(path, header, options);
        const ns = timed(() => {
          for (let i = 0; i < total; i++) writer.append(1, frames[i % frames.length]);
          writer.close();
        });
        if (round === 0) continue;
        const bytes = (statSync(path).size / total).toFixed(2);
        report(name, `append, level ${level}`, ns, total, `${bytes} bytes/frame`);
      }
    }
    const path = join(dir, '1.log');
    {
      const writer = LogWriter.create(join(dir, 'fill.log'), header, { compressionLevel: 0 });
      const ns = timed(() => {
        for (let i = 0; i < total; i++) {
          const { task, time, nr, args, result, writes } = frames[i % frames.length];
          writer.beginSyscall(1, task, time, nr, args, args.length, result);
          for (let j = 0; j < writes.length; j++) {
            const { addr, bytes } = writes[j];
            writer.reserveWrite(addr, bytes.length).set(bytes);
            writer.commitWrite(bytes.length);
          }
          writer.endFrame();
        }
        writer.close();
      });
      report(name, 'beginSyscall, level 0', ns, total);
    }
    for (const [what, options, file] of [
      ['next, level 0', {}, join(dir, '0.log')],
      ['next, level 1, native', {}, path],
      ['next, level 1, portable', { decompressor: 'portable' }, path],
    ]) {
      const reader = openLog(file, options);
      const ns = timed(() => {
        const cursor = reader.stream(1);
        let seen = 0;
        while (cursor.next() !== undefined) seen++;
        if (seen !== total) throw new Error(`${seen} frames of ${total}`);
      });
      report(name, what, ns, total);
      reader.close();
    }
    const reader = openLog(path);
    report(
      name,
      'frames(), level 1',
      timed(() => {
        for (const frame of reader.frames()) if (frame === undefined) throw new Error();
      }),
      total,
    );
    report(
      name,
      'frames(filter), none match',
      timed(() => {
        for (const frame of reader.frames({ syscall: 'openat' })) throw new Error(frame.type);
      }),
      total,
    );
    reader.close();
  }
} finally {
  rmSync(dir, { recursive: true });
}
