import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  COUNTER_NAMES,
  counters,
  cpuid,
  currentCpu,
  getAffinity,
  gettid,
  monotonicNs,
  NativeError,
  parentNofile,
  parseMaps,
  readTaskFile,
  readTsc,
  setAffinity,
  setSubreaper,
  socketEnds,
  statFd,
  unixPeer,
} from '../lib/index.js';

/** No such task: above the kernel's highest pid_max. */
const NOBODY = 2 ** 22 + 1;
const code = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof NativeError) return error.code;
    throw error;
  }
  return 'none';
};

/** Node tells nobody which descriptor a socket has. */
const numberOf = (socket: Socket): number =>
  (socket as unknown as { _handle: { fd: number } })._handle.fd;

test('socketEnds: both addresses of a connection; undefined for a file', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const { type, local, peer } = socketEnds(process.pid, numberOf(socket))!;
  t.is(type, 1);
  t.is(Buffer.from(local).readUInt16BE(2), socket.localPort!);
  t.is(Buffer.from(peer).readUInt16BE(2), port);
  t.deepEqual([...peer.subarray(4, 8)], [127, 0, 0, 1]);
  t.deepEqual([local.length, peer.length], [16, 16]);
  socket.destroy();
  server.close();
  const file = openSync('/dev/null', constants.O_RDONLY);
  t.is(socketEnds(process.pid, file), undefined);
  closeSync(file);
  t.is(
    code(() => socketEnds(process.pid, 99_999)),
    'EBADF',
  );
  t.is(
    code(() => socketEnds(NOBODY, 0)),
    'ESRCH',
  );
});

test('unixPeer: the other end of a unix socket, until that is closed', async (t) => {
  const name = `\0unix-peer-${process.pid}`;
  const server = createServer().listen(name);
  await once(server, 'listening');
  const client = connect(name);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const ends = [client, accepted].map((socket) => socketEnds(process.pid, numberOf(socket))!);
  const [one, other] = ends.map(({ inode }) => inode);
  t.not(one, other);
  // A kernel may be without sock_diag.
  if (unixPeer(other!) === 0) t.log('not known here');
  else t.is(unixPeer(other!), one!);
  t.is(unixPeer(one!) === 0, unixPeer(other!) === 0);
  t.deepEqual(
    ends.map(({ peerPid }) => peerPid),
    [process.pid, process.pid],
  );
  client.destroy();
  await once(accepted.resume(), 'close');
  t.is(unixPeer(other!), 0);
  t.throws(() => unixPeer('' as unknown as number), { instanceOf: TypeError });
  server.close();
});

test('statFd: a file, with flags and position, also when it is deleted', (t) => {
  const path = join(tmpdir(), `scribe-statfd-${process.pid}`);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND);
  writeSync(fd, 'hello');
  const { dev, ino, mode, rdev } = fstatSync(fd);
  const info = statFd(process.pid, fd)!;
  t.like(info, { dev, ino, mode, rdev, size: 5, path, position: 5 });
  t.is(info.flags & 0o3, constants.O_RDWR);
  t.truthy(info.flags & constants.O_APPEND);
  t.truthy(info.flags & 0o2000000, 'close on exec');
  unlinkSync(path);
  t.is(statFd(process.pid, fd)!.path, `${path} (deleted)`);
  closeSync(fd);
  t.is(statFd(process.pid, fd), undefined);
  t.is(
    code(() => statFd(NOBODY, 0)),
    'ESRCH',
  );
});

test('statFd: sockets and devices', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
  t.is(statFd(process.pid, fd)!.path, readlinkSync(`/proc/self/fd/${fd}`));
  t.is(statFd(process.pid, fd)!.mode & 0o170000, 0o140000);
  server.close();
  const device = openSync('/dev/null', 'r');
  t.is(statFd(process.pid, device)!.rdev, 0x103);
  closeSync(device);
});

test('parseMaps gives what the file says', (t) => {
  // Only named mappings: the others change while we look.
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  const parsed = new Map(parseMaps(process.pid).map((mapping) => [mapping.start, mapping]));
  let compared = 0;
  for (const line of lines) {
    const match = /^(\w+)-(\w+) (....) (\w+) (\S+) (\d+) *(.*)$/.exec(line);
    if (match === null || match[7] === '' || match[7] === '[heap]') continue;
    const [, start, last, mode, offset, dev, inode, name] = match as unknown as string[];
    t.deepEqual(parsed.get(parseInt(start!, 16)), {
      start: parseInt(start!, 16),
      end: parseInt(last!, 16),
      prot: (mode![0] === 'r' ? 1 : 0) | (mode![1] === 'w' ? 2 : 0) | (mode![2] === 'x' ? 4 : 0),
      shared: mode![3] === 's',
      offset: parseInt(offset!, 16),
      dev: dev!,
      inode: Number(inode),
      name: name!,
    });
    compared++;
  }
  t.true(compared > 10);
  t.true(parseMaps(process.pid).some(({ name }) => name === process.execPath));
  t.is(
    code(() => parseMaps(NOBODY)),
    'ESRCH',
  );
});

test('counters: values where the machine has them, null where not, both never wrong', (t) => {
  const handle = counters.open(gettid());
  const before = counters.read(handle);
  t.deepEqual(Object.keys(before), [...COUNTER_NAMES]);
  const buffer = Buffer.alloc(20 * 4096 * 10, 1);
  // So many, and not for so long: on a busy machine others have the time.
  for (let i = 0; i < 20_000_000; i++) buffer[i % buffer.length]!++;
  const after = counters.read(handle);
  for (const name of COUNTER_NAMES) {
    t.is(after[name] === null, before[name] === null, name);
    if (after[name] !== null) t.true(after[name] >= before[name]!, name);
  }
  t.log(JSON.stringify(after));
  if (after['task-clock'] === null) t.log('skipped: perf_event_open is refused');
  else t.true(after['task-clock'] - before['task-clock']! > 1e6);
  counters.close(handle);
  t.throws(() => counters.read(handle), { instanceOf: RangeError });
});

test('counters of a task that is gone', (t) => {
  const handle = ((): number | string => {
    try {
      return counters.open(NOBODY);
    } catch (error) {
      return (error as NativeError).code;
    }
  })();
  // Where perf_event_open is refused altogether, the task isn't looked for.
  if (typeof handle === 'string') t.is(handle, 'ESRCH');
  else t.true(Object.values(counters.read(handle)).every((value) => value === null));
});

test('affinity', (t) => {
  const all = getAffinity(0);
  t.true(all.includes(currentCpu()));
  setAffinity(0, [all.at(-1)!]);
  t.deepEqual(getAffinity(0), [all.at(-1)!]);
  t.is(currentCpu(), all.at(-1)!);
  setAffinity(0, all);
  t.deepEqual(getAffinity(gettid()), all);
  t.is(
    code(() => setAffinity(0, [])),
    'EINVAL',
  );
  t.is(
    code(() => setAffinity(0, [100_000])),
    'EINVAL',
  );
  t.is(
    code(() => getAffinity(NOBODY)),
    'ESRCH',
  );
});

test('time, cpuid and the rest', (t) => {
  const ns = monotonicNs();
  t.true(Math.abs(ns - Number(process.hrtime.bigint())) < 1e9);
  const [, ebx, ecx, edx] = cpuid(0, 0);
  const vendor = Buffer.from(Uint32Array.of(ebx, edx, ecx).buffer).toString();
  t.true(readFileSync('/proc/cpuinfo', 'utf8').includes(vendor));
  t.true(cpuid(1, 0).every((value) => value >= 0));
  const tsc = () => {
    const { low, high } = readTsc();
    return high * 2 ** 32 + low;
  };
  const first = tsc();
  t.true(tsc() > first);
  t.is(gettid(), process.pid);
  const nofile = parentNofile();
  t.true(nofile === undefined || nofile > 0);
  setSubreaper(true);
  setSubreaper(false);
});

test('wrong arguments are TypeErrors, never a crash', (t) => {
  const calls: (() => unknown)[] = [
    () => statFd('1' as unknown as number, 0),
    () => statFd(1n as unknown as number, 0),
    () => parseMaps(undefined as unknown as number),
    () => setAffinity(0, 1 as unknown as number[]),
    () => setAffinity(0, ['0'] as unknown as number[]),
    () => counters.open({} as number),
    () => cpuid(Symbol() as unknown as number, 0),
  ];
  for (const call of calls) t.throws(call, { instanceOf: TypeError });
});

test('a file of a task is read whole, and one that cannot be read is none', (t) => {
  t.is(readTaskFile(process.pid, 'cmdline'), readFileSync('/proc/self/cmdline', 'latin1'));
  t.is(readTaskFile(process.pid, 'environ'), readFileSync('/proc/self/environ', 'latin1'));
  t.is(readTaskFile(NOBODY, 'stat'), undefined);
  t.is(readTaskFile(process.pid, 'nothing'), undefined);
});
