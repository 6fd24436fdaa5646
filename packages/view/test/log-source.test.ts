import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LogSource } from '../src/log/log-source.js';
import type { AggregateTable } from '../src/model/aggregate.js';
import { BLOCKED, FAILED, SWITCHED, UNFINISHED } from '../src/model/event-code.js';
import { compareKeys, FIRST_KEY, type EventRow } from '../src/model/source.js';
import { call, nr, randomStreams, story, temporaryDirectory, writeLog } from './support/logs.js';

type Streams = Parameters<typeof writeLog>[1];

function open(t: ExecutionContext, streams: Streams, options?: Parameters<typeof writeLog>[2]) {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, streams, options);
  const source = new LogSource(log);
  t.teardown(() => source.close());
  return source;
}

async function all(source: LogSource): Promise<EventRow[]> {
  return source.list({ key: FIRST_KEY, direction: 'forward', count: Infinity });
}

async function hits(source: LogSource, text: string, limit = 1000): Promise<EventRow[]> {
  const found: EventRow[] = [];
  for await (const state of source.search({ text }, limit)) found.push(...state.hits);
  return found;
}

test('what the kernel stores within a call does not cut it in two', async (t) => {
  const store = { type: 'kernel-write', task: 3, writes: [] } as const;
  const source = open(t, {
    1: [
      ...story[1]!.slice(0, 8),
      { ...store, time: 5000 },
      call('futex', 3, 9000, { args: [0, 0, 0, 0, 0, 0], duration: 6000 }),
      { ...store, time: 9500 },
      { type: 'block', task: 3, time: 10_000, nr: nr('read') },
      { ...store, time: 14_000 },
      { type: 'exit', task: 3, time: 14_000, status: 9, last: false },
    ],
  });
  const rows = (await all(source)).filter(({ task }) => task === 3);
  t.deepEqual(
    rows.map(({ text, time, duration }) => [text.split(/[( ]/)[0], time, duration]),
    [
      ['task', 2600, 0],
      ['futex', 9000, 6000],
      ['kernel', 9500, 0],
      ['read', 14_000, 4000],
      ['---', 14_000, 0],
    ],
  );
});

test('facts of the recording and its tasks', async (t) => {
  const facts = await open(t, story).facts();
  t.is(facts.events, 17);
  t.is(facts.failed, 1);
  t.is(facts.duration, 15_000);
  t.deepEqual(
    facts.tasks.map(({ uid, parent, tid, pid, name, born, died, status, events }) => {
      return { uid, parent, tid, pid, name, born, died, status, events };
    }),
    [
      {
        uid: 2,
        parent: 1,
        tid: 100,
        pid: 100,
        name: 'server',
        born: 0,
        died: 15_000,
        status: 9,
        events: 10,
      },
      {
        uid: 3,
        parent: 2,
        tid: 101,
        pid: 100,
        name: 'server',
        born: 2500,
        died: 14_000,
        status: 9,
        events: 4,
      },
      {
        uid: 4,
        parent: 2,
        tid: 200,
        pid: 200,
        name: 'server',
        born: 5000,
        died: 7000,
        status: 768,
        events: 3,
      },
    ],
  );
  t.deepEqual(facts.bookmarks, [{ id: 1, time: 13_000, name: '' }]);
  t.deepEqual(facts.notes, [{ time: 14_500, task: 2, text: 'io_uring_setup was refused' }]);
  t.is(facts.truncated, '');
  t.is(facts.damaged, '');
});

test('events know when they blocked, switched and never came back', async (t) => {
  const source = open(t, story);
  const { trees } = await source.index;
  const block = trees.get(3)!.block(0);
  const codes = [...block.code.subarray(0, 4)];
  t.is(codes[1], nr('futex') | BLOCKED | SWITCHED);
  t.is(block.duration[1], 6000);
  t.is(block.waited[1], 0);
  t.is(codes[2], nr('read') | BLOCKED | UNFINISHED | SWITCHED);
  t.is(block.duration[2], 2000);
  t.is((await source.event(3, 2))!.text, 'read(…) never came back');
  const main = trees.get(2)!.block(0);
  const write = [...main.code.subarray(0, 10)].findIndex((code) => (code & 0xfff) === nr('write'));
  t.is(main.waited[write], 5000, 'between its read and the end of the other’s futex');
  t.is(main.code[write + 1]! & FAILED, FAILED);
});

test('an event in full', async (t) => {
  const source = open(t, story);
  const read = (await all(source)).find(({ text }) => text.startsWith('read(3'))!;
  t.is(read.text, 'read(3, "localhost", 100) = 9');
  const detail = (await source.event(read.task, read.index))!;
  t.is(detail.fileName, '/etc/hosts');
  t.is(detail.result, '9');
  t.is(Buffer.from(detail.received!.base64, 'base64').toString(), 'localhost');
  t.is(detail.sent, undefined);
  t.deepEqual(detail.args[0], { name: 'fd', value: '3' });
  t.regex(detail.lines.join('\n'), /resource lock, type = file/);
  t.is(await source.event(2, 99), undefined);
  t.is(await source.event(99, 0), undefined);
});

test('what went through a file', async (t) => {
  const source = open(t, story);
  const files = await source.files();
  t.deepEqual(
    files.map(({ id, name, events, bytesIn, bytesOut }) => ({
      id,
      name,
      events,
      bytesIn,
      bytesOut,
    })),
    [
      { id: 7, name: '/etc/hosts', events: 1, bytesIn: 9, bytesOut: 0 },
      { id: 8, name: 'socket:[5]', events: 1, bytesIn: 0, bytesOut: 300 },
    ],
  );
  const [sent, ...rest] = await source.transfers(8, FIRST_KEY, 10);
  t.is(rest.length, 0);
  t.true(sent!.out);
  t.is(sent!.call, 'write');
  t.is(sent!.bytes.size, 300);
  t.is(Buffer.from(sent!.bytes.base64, 'base64').toString(), 'HTTP/1.1 200 OK');
});

test('searches', async (t) => {
  const source = open(t, story);
  const texts = async (query: string): Promise<string[]> =>
    (await hits(source, query)).map(({ text }) => text.replace(/[( ].*/, ''));
  t.deepEqual(await texts('unlink'), ['unlink']);
  t.deepEqual(await texts('read write'), ['read', 'write', 'read']);
  t.deepEqual(await texts('failed'), ['unlink']);
  t.deepEqual(await texts('ENOENT'), ['unlink']);
  t.deepEqual(await texts('EACCES'), []);
  t.deepEqual(await texts('localhost'), ['read']);
  t.deepEqual(await texts('/etc/hosts'), ['openat', 'read']);
  t.deepEqual(await texts('write /etc/hosts'), []);
  t.deepEqual(await texts('"200 OK"'), ['write']);
  t.deepEqual(await texts('SIGUSR1'), ['signal']);
  t.deepEqual(await texts('>5us'), ['futex']);
  t.deepEqual(await texts('exit'), ['---', '---', '---']);
  t.deepEqual(await texts('io_uring'), ['note:']);
  await t.throwsAsync(hits(source, '>fast'), { code: 'SEARCH' });
  await t.throwsAsync(hits(source, '   '), { code: 'SEARCH' });
});

test('lists go on from any event, both ways, without a gap', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6);
  t.log(`SEED=${seed}`);
  const source = open(t, randomStreams(seed, 1500), { chunkBytes: 4096 });
  const rows = await all(source);
  t.is(rows.length, 1500);
  t.deepEqual([...rows].sort(compareKeys), rows);
  let forward = await source.list({ key: FIRST_KEY, direction: 'forward', count: 37 });
  for (let at = 0; at < rows.length; at += 37) {
    t.deepEqual(forward, rows.slice(at, at + 37));
    forward = await source.list({ key: forward.at(-1)!, direction: 'forward', count: 37 });
  }
  t.deepEqual(forward, []);
  let backward = await source.list({ key: rows.at(-1)!, direction: 'backward', count: 41 });
  for (let end = rows.length - 1; end > 0; end -= 41) {
    t.deepEqual(backward, rows.slice(Math.max(0, end - 41), end));
    backward = await source.list({ key: backward[0]!, direction: 'backward', count: 41 });
  }
  const task = rows.filter((row) => row.task === 3);
  const only = await source.list({ tasks: [3], key: FIRST_KEY, direction: 'forward', count: 5000 });
  t.deepEqual(only, task);
});

test('sums, counters and hits agree with the events', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6);
  t.log(`SEED=${seed}`);
  const source = open(t, randomStreams(seed, 3000));
  const facts = await source.facts();
  const rows = await all(source);
  const tasks = facts.tasks.map(({ uid }) => uid);
  const failed = rows.filter(({ code }) => (code & FAILED) !== 0);
  t.is(facts.failed, failed.length);
  t.deepEqual(await hits(source, 'failed', 5000), failed);
  const reads = rows.filter(({ code }) => (code & 0xfff) === nr('read'));
  t.deepEqual(await hits(source, 'read', 5000), reads);
  const { rows: sums, bytesIn } = await source.summary({ tasks, from: 0, to: facts.duration });
  const sum = sums.find(({ code }) => code === nr('read'))!;
  t.is(sum.count, reads.length);
  t.is(
    sum.total,
    reads.reduce((total, { duration }) => total + duration, 0),
  );
  t.is(sum.longest, Math.max(...reads.map(({ duration }) => duration)));
  const counters = await source.counters(0, facts.duration * 1.001, 100);
  t.is(
    counters.events.reduce((a, b) => a + b, 0),
    rows.length,
  );
  t.is(
    counters.bytesIn.reduce((a, b) => a + b, 0),
    bytesIn,
  );
  const lanes = await source.lanes({ tasks, from: 0, to: facts.duration, resolution: 1e5 });
  t.is(
    lanes.reduce((total, table) => total + total_(table), 0),
    rows.length,
  );
  const transfers = [];
  for (const { id } of await source.files())
    transfers.push(...(await source.transfers(id, FIRST_KEY, 5000)));
  const moved = rows.filter(
    ({ text, code }) => /^(read|write|recvfrom)/.test(text) && (code & FAILED) === 0,
  );
  t.is(transfers.length, moved.length);
});

function total_(table: AggregateTable): number {
  let total = 0;
  for (let i = 0; i < table.length; i++) total += table.count(i);
  return total;
}

test('a log without its end is shown as far as it goes', async (t) => {
  const source = open(t, story, { truncated: true });
  const facts = await source.facts();
  t.regex(facts.truncated, /no end/);
  t.is(facts.events, 17);
});

test('a damaged log is shown up to the damage', async (t) => {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, randomStreams(5, 6000), { chunkBytes: 4096 });
  const content = readFileSync(log);
  content[Math.floor(content.length / 2)]! ^= 0xff;
  writeFileSync(log, content);
  const source = new LogSource(log);
  t.teardown(() => source.close());
  const facts = await source.facts();
  t.regex(facts.damaged, /damaged at byte/);
  t.true(facts.events > 100 && facts.events < 6000, String(facts.events));
  const rows = await all(source);
  t.is(rows.length, facts.events);
  t.is((await hits(source, '"/data/1"', 10)).length, 10);
});

test('a log of nothing but its header', async (t) => {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, {});
  const source = new LogSource(log);
  t.teardown(() => source.close());
  t.is((await source.facts()).events, 0);
  t.deepEqual(await all(source), []);
  const none = join(temporaryDirectory(t), 'none.log');
  writeFileSync(none, 'plain text, long enough');
  t.throws(() => new LogSource(none), { code: 'LOG_NOT_A_LOG' });
  truncateSync(none, 0);
  t.throws(() => new LogSource(none), { code: 'LOG_NOT_A_LOG' });
});
