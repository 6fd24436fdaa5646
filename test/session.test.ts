import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { parsePlace } from '@scribe-ts/profiler';
import { openReplay, ReplayError, type ReplaySession } from '@scribe-ts/replayer';
import { openLog, type SyscallFrame, syscallByName } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { compile, scribe, workspace } from './harness.js';

const WRITE = syscallByName.get('write')!.nr;

/** Two processes; the parent has two threads one after the other, and everybody says what it does. */
const PROGRAM = `
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static char text[16];
static volatile int handled;
__attribute__((noinline)) void say(const char *what) { write(1, what, strlen(what)); }
__attribute__((noinline)) void look(void) {
  int fd = open("/proc/self/comm", O_RDONLY);
  read(fd, text, sizeof text);
  close(fd);
}
static void *thread(void *what) { say(what); return NULL; }
static void handler(int signo) { handled = signo; say("handled\\n"); }
int main(void) {
  pthread_t one;
  look();
  say("begin\\n");
  close(99);
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  pthread_create(&one, NULL, thread, "thread\\n");
  pthread_join(one, NULL);
  if (fork() == 0) { say("child\\n"); _exit(3); }
  wait(NULL);
  say("end\\n");
  return 0;
}
`;

const place = workspace('session');
const log = join(place.path, 'session.log');

test.before(async (t) => {
  const source = join(place.path, 'session.c');
  writeFileSync(source, PROGRAM);
  const binary = compile(source, ['-fno-optimize-sibling-calls', '-Wno-unused-result']);
  const recorded = await scribe('record', ['-o', log, '--state-hashes', binary]);
  t.is(recorded.stdout, 'begin\nhandled\nthread\nchild\nend\n', recorded.stderr);
});

test.after(() => place.discard());

async function open(t: ExecutionContext): Promise<ReplaySession> {
  const session = await openReplay(log);
  t.teardown(() => session.close());
  return session;
}

const textOf = (frame: SyscallFrame, bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, Number(frame.result))).toString();

test('every write is stopped at, where its bytes and its caller are', async (t) => {
  const session = await open(t);
  const said: string[] = [];
  for await (const { event, task } of session.syscalls({ name: 'write', fd: 1 })) {
    const { rsi, rdx, orig_rax } = await task.registers();
    t.is(orig_rax, BigInt(WRITE));
    said.push(textOf(event.frame, await task.memory(rsi, Number(rdx))));
    const names = (await task.backtrace()).map(({ symbol }) => symbol);
    t.is(names[1], 'say', names.join(' '));
    const [, , third] = names;
    if (said.at(-1) === 'thread\n') t.is(third, 'thread');
    else if (said.at(-1) === 'handled\n') t.is(third, 'handler');
    else t.is(third, 'main');
  }
  t.deepEqual(said.sort(), ['begin\n', 'child\n', 'end\n', 'handled\n', 'thread\n']);
  t.is(session.ended?.status, 0);
  t.is((await session.run()).status, 0);
});

test('before a call memory is as it was, after it as the call left it', async (t) => {
  const session = await open(t);
  const target = { syscall: { name: 'read', fd: 3 } } as const;
  // The loader's reads of the libraries come first: the program's own is of 16 bytes.
  const { event, task } = await session.runTo(
    target,
    async (stop) => (await stop.task!.registers()).rdx === 16n,
  );
  const { rsi } = await task!.registers();
  t.deepEqual([...(await task!.memory(rsi, 4))], [0, 0, 0, 0]);
  const after = await session.runTo({ ...target, side: 'after' });
  t.is(after.event!.index, event!.index);
  const { rax } = await after.task!.registers();
  t.is(rax, BigInt((event!.frame as SyscallFrame).result));
  const [write] = (event!.frame as SyscallFrame).writes;
  t.deepEqual(await after.task!.memory(rsi, Number(rax)), write!.bytes);
  t.regex(await after.task!.string(rsi, Number(rax)), /^session-/);
  await t.throwsAsync(
    session.runTo({ syscall: 'write' }, () => false),
    { code: 'NOT_REACHED' },
  );
});

test('a place in the log is reached by its number, its chunk and its time', async (t) => {
  using reader = openLog(log);
  const session = await open(t);
  const cursor = reader.stream(1);
  let index = 0;
  for (let frame = cursor.next(); frame !== undefined; frame = cursor.next(), index++) {
    if (frame.type === 'syscall' && frame.nr === WRITE) break;
  }
  const stop = await session.runTo({ stream: 1, index });
  t.is(stop.reason, 'place');
  t.is(stop.event!.index, index);
  t.is((stop.event!.frame as SyscallFrame).nr, WRITE);
  t.is(stop.event!.offset, cursor.offset);
  t.is(stop.event!.position, cursor.position);

  const last = [...reader.frames()].filter((frame) => frame.type === 'syscall').at(-1)!;
  const moment = await session.runTo({ time: last.time });
  t.is(moment.reason, 'hold');
  t.is(moment.event, undefined);
  const rest = [];
  for await (const { event } of session.events({ type: ['syscall', 'exit'] }))
    rest.push(event.frame);
  t.true(rest.length > 0);
  for (const frame of rest) t.true(frame.time >= last.time, `${frame.type} at ${frame.time}`);

  const other = await open(t);
  const first = await other.runTo({ offset: cursor.offset });
  t.is(first.event!.index, 0);
  // As `profiler -o` prints it.
  const printed = await scribe('profiler', ['-o', log]);
  const [place] = /^\S+(?= .* write\(1, "begin)/m.exec(printed.stdout)!;
  const begin = await other.runTo(parsePlace(place));
  t.is((begin.event!.frame as SyscallFrame).nr, WRITE);
  t.is(begin.event!.index, index);
});

test('signals and ends are events too', async (t) => {
  const session = await open(t);
  const signal = await session.runTo({ event: { type: 'signal', signo: 10 }, side: 'after' });
  const [top] = await signal.task!.backtrace();
  t.is(top!.symbol, 'handler');
  t.is(top!.offset, 0);
  const ends: number[] = [];
  for await (const { event, task } of session.events({ type: 'exit' })) {
    if (event.frame.type === 'exit') ends.push(event.frame.status);
    t.true((await task.maps()).some(({ path }) => path.includes('session')));
  }
  t.deepEqual(ends.sort(), [0, 0, 3 << 8]);
});

test('a trace tells what stops would have shown', async (t) => {
  const session = await open(t);
  const traced: string[] = [];
  for await (const event of session.trace({ name: 'write' }, { backtrace: true })) {
    traced.push(`${event.stream} ${event.index} ${event.backtrace.map((frame) => frame.address)}`);
  }
  const other = await open(t);
  const stopped: string[] = [];
  for await (const { event, task } of other.syscalls('write')) {
    const frames = await task.backtrace();
    stopped.push(`${event.stream} ${event.index} ${frames.map((frame) => frame.address)}`);
  }
  t.is(traced.length, 5);
  t.deepEqual(traced.sort(), stopped.sort());
});

test('calls that a query found in the log are found in its replay', async (t) => {
  using reader = openLog(log);
  const calls = new Map<number, number[]>();
  const counts = new Map<number, number>();
  const wanted: string[] = [];
  for (const frame of reader.frames({ type: 'syscall' })) {
    const call = counts.get(frame.task) ?? 0;
    counts.set(frame.task, call + 1);
    if (frame.type !== 'syscall' || frame.result >= 0) continue;
    calls.set(frame.task, [...(calls.get(frame.task) ?? []), call]);
    wanted.push(`${frame.task} ${frame.nr} ${frame.result}`);
  }
  t.true(wanted.length > 0);
  const found: string[] = [];
  const session = await open(t);
  for await (const { frame, call } of session.trace<SyscallFrame>({ calls })) {
    t.true(calls.get(frame.task)!.includes(call));
    found.push(`${frame.task} ${frame.nr} ${frame.result}`);
  }
  t.deepEqual(found.sort(), wanted.sort());
  const failed: string[] = [];
  const other = await open(t);
  for await (const { frame } of other.trace<SyscallFrame>({ failed: true }))
    failed.push(`${frame.task} ${frame.nr} ${frame.result}`);
  t.deepEqual(failed.sort(), wanted.sort());
});

test('two loops see the same stop before the replay goes on', async (t) => {
  const session = await open(t);
  const all: number[] = [];
  const writes: number[] = [];
  const loop = async (stops: ReturnType<ReplaySession['syscalls']>, into: number[]) => {
    for await (const { event, task } of stops) {
      into.push(event.index);
      await new Promise((resolve) => setImmediate(resolve));
      // If it had gone on this would be another call, or none.
      t.is(Number((await task.registers()).orig_rax), event.frame.nr);
    }
  };
  await Promise.all([
    loop(session.syscalls({ task: 2 }), all),
    loop(session.syscalls({ task: 2, name: 'write' }), writes),
  ]);
  t.is(writes.length, 3);
  for (const index of writes) t.true(all.includes(index));
});

test('tasks, their programs, and what an address is', async (t) => {
  const session = await open(t);
  const { task } = await session.runTo({ syscall: { name: 'write', fd: 1 } });
  const [only, ...others] = await session.tasks();
  t.deepEqual(others, []);
  t.is(only!.task, task!.task);
  t.is(only!.state, 'about to call write');
  t.true(only!.path.includes('session'));
  const { rip } = await task!.registers();
  const place = await task!.locate(rip);
  t.is(place.symbol, 'write');
  t.regex(place.object, /libc\.so/);
  const maps = await task!.maps();
  t.true(maps.some(({ start, end }) => rip >= start && rip < end));
  t.true(maps.every(({ start }) => start < 0x70000000 || start >= 0x78000000));
});

test('a bookmark stops all processes, with the state that was recorded', async (t) => {
  const other = join(place.path, 'bookmark.log');
  const script = 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done | cat';
  const recorded = await scribe('record', ['-a', '0.2', '-o', other, 'sh', '-c', script]);
  t.is(recorded.stdout, '1\n2\n3\n4\n5\n6\n', recorded.stderr);
  using reader = openLog(other);
  const bookmark = reader.bookmarks[Math.floor(reader.bookmarks.length / 2)];
  const times = [...reader.frames({ type: 'bookmark' })]
    .filter((frame) => frame.type === 'bookmark' && frame.id === bookmark!.id)
    .map(({ time }) => time);
  t.true(times.length > 1, 'several streams');
  const session = await openReplay(other);
  t.teardown(() => session.close());
  const stop = await session.runTo({ bookmark: bookmark!.id });
  t.is(stop.reason, 'hold');
  const alive = (await session.tasks()).filter(({ state }) => state !== 'ended');
  t.true(alive.length > 1, JSON.stringify(alive));
  for (const { task } of alive) t.true((await session.task(task).backtrace()).length > 0);
  for await (const { frame } of session.trace({ type: ['syscall', 'exit'] }))
    t.true(frame.time >= Math.min(...times), `${frame.type} at ${frame.time}`);
  t.is(session.ended?.status, 0);
});

test('what cannot be had is refused with a code', async (t) => {
  const code = async (promise: Promise<unknown>): Promise<string> => {
    const error = await t.throwsAsync(promise, { instanceOf: ReplayError });
    return (error as ReplayError).code;
  };
  const session = await open(t);
  t.is(await code(session.task(77).registers()), 'NO_TASK');
  t.is(await code(session.runTo({ syscall: 'nonesuch' })), 'BAD_TARGET');
  t.is(await code(session.runTo({ syscall: 'write', nth: 0 })), 'BAD_TARGET');
  t.throws(() => session.syscalls('nonesuch'), { code: 'BAD_TARGET' });
  const { task } = await session.runTo({ syscall: 'write' });
  t.is(await code(task!.memory(-1, 4)), 'BAD_ADDRESS');
  t.is((await task!.memory(0x10, 4)).length, 0);
  const going = session.runTo({ syscall: 'write', nth: 2 });
  t.is(await code(session.runTo({ syscall: 'write' })), 'BUSY');
  t.is(await code(task!.backtrace()), 'NOT_STOPPED');
  await going;
  t.is(await code(session.runTo({ bookmark: 5 })), 'NOT_REACHED');
  t.is(await code(session.runTo({ syscall: 'write' })), 'ENDED');
  const missing = await t.throwsAsync(openReplay(join(place.path, 'nothing.log')));
  t.is((missing as NodeJS.ErrnoException).code, 'ENOENT');
});

test('a session ends wherever it is', async (t) => {
  const standing = await openReplay(log);
  await standing.runTo({ syscall: 'write' });
  await standing.close();
  await standing.close();
  await t.throwsAsync(standing.run(), { code: 'CLOSED' });
  const untaken = await openReplay(log);
  const trace = untaken.trace({ type: 'syscall' });
  await trace.next();
  await untaken.close();
  const running = await openReplay(log);
  const run = running.runTo({ bookmark: 9 });
  await Promise.all([running.close(), t.throwsAsync(run)]);
});
