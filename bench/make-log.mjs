// Makes a long log by itself, for measuring readers: a server's day as five processes see it, each in a stream of its own.
//   node bench/make-log.mjs FILE [CALLS] [DATA]
// CALLS (default 1,000,000) is the number of system calls; each has the frames that the recorder's default verbosity gives
// it. DATA (default 64) is the mean number of bytes that a read stores: with 4096 a log of 1 GB has 250,000 calls or so.
// Two runs with the same numbers give the same log.
import { LogWriter } from '@scribe-ts/tracelog';

const TASKS = 5;
const STACK = 0x7ffd1c40a000;
const HEAP = 0x55d0c2f01000;

/** A small generator of its own, so that every run makes the same frames. */
function generator(start) {
  let seed = start;
  return (limit) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
}

const HEADER = {
  writer: 'bench',
  command: ['server', '--workers', String(TASKS)],
  cwd: '/srv',
  root: '/',
  env: [],
  startedAt: 1_700_000_000,
  verbosity: 'sSrmdgpT',
  machine: {
    kernel: '6.1.0',
    arch: 'x86_64',
    cpu: '',
    cpus: 8,
    hostname: 'bench',
    uid: 0,
    gid: 0,
    pageSize: 4096,
  },
  store: '/nowhere',
  missing: [],
  stdio: [],
};

/** Writes the log; gives the number of frames and of calls in it. */
export function makeLog(path, { calls = 1_000_000, dataBytes = 64 } = {}) {
  const random = generator(7);
  const pool = new Uint8Array(1 << 20);
  for (let i = 0; i < pool.length; i++) pool[i] = 32 + random(90);
  const bytes = (length) => {
    const start = random(pool.length - length);
    return pool.subarray(start, start + length);
  };
  const names = Array.from({ length: 500 }, (_, i) => `/srv/data/${i % 20}/item-${i}.json`);
  const paths = names.map((name) => Buffer.from(name));
  const writer = LogWriter.create(path, HEADER, { maxDelayMs: Infinity });
  const serials = new Array(64).fill(0);
  let time = 1_000_000;
  let frames = 0;
  const append = (stream, frame) => {
    writer.append(stream, frame);
    frames++;
  };
  const resource = (task, id, desc) => {
    append(task, {
      type: 'resource',
      task,
      time,
      kind: desc === '' ? 'files_struct' : 'file',
      id,
      serial: serials[id]++,
      desc,
    });
  };
  const call = (task, nr, args, result, writes, duration) => {
    append(task, { type: 'syscall', task, time, nr, args, result, writes, duration });
  };
  for (let task = 2; task < 2 + TASKS; task++) {
    append(task, {
      type: 'task-start',
      task,
      time,
      parent: 1,
      tid: 998 + task,
      pid: 998 + task,
      writes: [],
    });
  }
  for (let made = 0; made < calls; made++) {
    const task = 2 + random(TASKS);
    const fd = 3 + random(8);
    const duration = (random(20) === 0 ? random(3000) : 3 + random(9)) * 1000;
    time += 1000 + random(4) * 1000;
    const onFile = () => {
      resource(task, task, '');
      resource(task, 10 + fd, names[fd * 7 + task]);
    };
    switch (random(8)) {
      case 0:
      case 1: {
        onFile();
        const stored = bytes(1 + random(2 * dataBytes));
        const addr = HEAP + random(256) * 4096;
        call(task, 0, [fd, addr, 65536], stored.length, [{ addr, bytes: stored }], duration);
        break;
      }
      case 2:
      case 3: {
        onFile();
        const sent = bytes(1 + random(200));
        append(task, { type: 'data', task, time, arg: 1, size: sent.length, bytes: sent });
        call(task, 1, [fd, HEAP + random(64) * 16, sent.length], sent.length, [], duration);
        break;
      }
      case 4: {
        const name = paths[random(paths.length)];
        append(task, { type: 'data', task, time, arg: 1, size: name.length, bytes: name });
        const result = random(4) === 0 ? -2 : fd;
        call(task, 257, [-100, HEAP + 64, 0, 0], result, [], duration);
        break;
      }
      case 5:
        onFile();
        call(task, 3, [fd], 0, [], duration);
        break;
      case 6:
        call(task, 202, [STACK - random(8) * 64, 128, 1, 0, 0, 0xffffffff], -11, [], duration);
        break;
      default:
        call(task, 228, [1, STACK], 0, [{ addr: STACK, bytes: bytes(16) }], duration);
    }
  }
  writer.close();
  return { frames, calls };
}

if (process.argv[1] === import.meta.filename) {
  const [path, calls = '1000000', dataBytes = '64'] = process.argv.slice(2);
  if (path === undefined) throw new Error('usage: node bench/make-log.mjs FILE [CALLS] [DATA]');
  const made = makeLog(path, { calls: Number(calls), dataBytes: Number(dataBytes) });
  console.log(`${path}: ${made.frames} frames, ${made.calls} calls`);
}
