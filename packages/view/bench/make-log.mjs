// Writes a log of so many events, as a server of several processes with threads would leave it:
//   node packages/view/bench/make-log.mjs EVENTS FILE
import { LogWriter, syscallByName } from '@scribe-ts/tracelog';

const PROCESSES = 8;
const THREADS = 4;
const FILES = 200;

/** Xorshift: the same log every time. */
let seed = 88172645463325252n & 0xffff_ffffn;
function random() {
  let x = Number(seed);
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  seed = BigInt(x >>> 0);
  return (x >>> 0) / 2 ** 32;
}

const nr = (name) => syscallByName.get(name).nr;
/** What a worker does for a request: name, duration in µs, bytes, data that goes out. */
const REQUEST = [
  ['epoll_wait', 400, 0],
  ['accept4', 8, 0],
  ['recvfrom', 6, 240],
  ['openat', 12, 0],
  ['newfstatat', 4, 0],
  ['read', 20, 512],
  ['futex', 30, 0],
  ['writev', 15, 900],
  ['clock_gettime', 1, 0],
  ['close', 3, 0],
];
const PAGE = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>It works</h1>');

const header = {
  writer: 'scribe-ts 0.1.0',
  command: ['server', '--workers', String(PROCESSES)],
  cwd: '/srv',
  root: '/',
  env: [],
  startedAt: 1_700_000_000,
  verbosity: 'sSrmdgpT',
  machine: {
    kernel: '6.1.0',
    arch: 'x86_64',
    cpu: 'synthetic',
    cpus: 8,
    hostname: 'bench',
    uid: 1000,
    gid: 1000,
    pageSize: 4096,
  },
  store: '/nonexistent',
  missing: [],
  stdio: [],
};

export function makeLog(path, events) {
  const writer = LogWriter.create(path, header, { maxDelayMs: Infinity });
  const workers = [];
  let uid = 2;
  let made = 0;
  for (let p = 0; p < PROCESSES; p++) {
    const pid = 1000 + p * 10;
    const first = uid;
    const tasks = [];
    for (let t = 0; t < THREADS; t++, uid++) {
      const parent = t > 0 ? first : p > 0 ? 2 : 1;
      const time = (p * THREADS + t) * 50_000;
      writer.append(p + 1, {
        type: 'task-start',
        task: uid,
        time,
        parent,
        tid: pid + t,
        pid,
        writes: [],
      });
      made++;
      if (t === 0) {
        writer.append(p + 1, {
          type: 'image',
          task: uid,
          time,
          tid: pid,
          pid,
          path: '/usr/sbin/server',
          argv: ['server', `--id=${p}`],
          envp: [],
          mappings: [],
          writes: [],
          regs: new Uint8Array(216),
          brk: 0,
        });
        made++;
      }
      tasks.push({ uid, step: 0, file: 0, pause: 0 });
    }
    workers.push({ stream: p + 1, time: PROCESSES * THREADS * 50_000, tasks, holder: 0 });
  }
  while (made < events) {
    // A burst of one worker; now and then the server has nothing to do.
    const worker = workers[Math.floor(random() * PROCESSES)];
    if (random() < 0.0005) worker.time += Math.floor(random() * 2e6) * 1000;
    const task = worker.tasks[worker.holder];
    for (let i = 0; i < 40 && made < events; i++, made++) {
      const [name, micros, bytes] = REQUEST[task.step];
      const number = nr(name);
      const slow = random() < 0.002 ? 60 : 1;
      const duration = Math.max(1, Math.round(micros * (0.3 + random() * 1.4) * slow)) * 1000;
      worker.time += Math.round(random() * 5) * 1000 + duration;
      const { time, stream } = { time: worker.time, stream: worker.stream };
      if (task.step === 2) task.file = 1 + Math.floor(random() * FILES);
      const failed = name === 'openat' && random() < 0.03;
      if (bytes > 0) {
        writer.append(stream, {
          type: 'resource',
          task: task.uid,
          time,
          kind: 'file',
          id: task.file + (name === 'read' ? 0 : 1000),
          serial: 0,
          desc: name === 'read' ? `/srv/www/page-${task.file}.html` : `socket:[${task.file}]`,
        });
      }
      if (name === 'writev')
        writer.append(stream, {
          type: 'data',
          task: task.uid,
          time,
          arg: 1,
          size: bytes,
          bytes: PAGE,
        });
      const writes =
        name === 'read' || name === 'recvfrom'
          ? [{ addr: 0x5000, bytes: PAGE.subarray(0, 48) }]
          : [];
      writer.append(stream, {
        type: 'syscall',
        task: task.uid,
        time,
        nr: number,
        args: [5, 0x5000, bytes],
        writes,
        duration,
        result: failed ? -2 : bytes > 0 ? bytes : name === 'openat' ? 5 : 0,
      });
      task.step = (task.step + 1) % REQUEST.length;
    }
    worker.holder = (worker.holder + 1) % THREADS;
  }
  writer.close();
}

if (process.argv[1]?.endsWith('make-log.mjs')) makeLog(process.argv[3], Number(process.argv[2]));
