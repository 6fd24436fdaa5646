import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { LogInfo } from '@scribe-ts/cli';
import { openLog } from '@scribe-ts/tracelog';
import { Meddled, replayWhatThereIs, STORE } from './busy.js';
import { compile, PATHS, Pool, root, scribe, workspace } from './harness.js';

// Recording with the agent: the same programs as on the traced path, which is the oracle.

const guests = join(root, 'test/guests');
const only = process.env.GUEST;
const pool = new Pool(2);

/** Guests that cannot be recorded with the agent, and why. */
const NOT_YET: Readonly<Record<string, string>> = {
  cpu_own_code: 'reads its own code, in which calls are jumps to the agent',
  kernel_vsyscall: 'reads the time from the vsyscall page, which the kernel answers without a stop',
};

for (const file of readdirSync(guests).sort()) {
  if (!file.endsWith('.c')) continue;
  const name = file.replace(/\.c$/, '');
  if (only !== undefined && !only.split(',').includes(name)) continue;
  if (NOT_YET[name] !== undefined) {
    test.skip(`guest ${name} with the agent: ${NOT_YET[name]}`, (t) => t.pass());
    continue;
  }
  test(`guest ${name} recorded with the agent replays as it was recorded`, async (t) => {
    await using _turn = await pool.enter();
    const binary = compile(join(guests, file));
    const place = workspace(`agent-${name}`);
    const log = join(place.path, `${name}.log`);
    const options = ['-o', log, '--state-hashes', '--store', STORE];
    const recorded = await scribe('record', [...options, binary], { cwd: place.path });
    t.regex(recorded.stdout, new RegExp(`${name} (ok|skipped)`), recorded.stderr.slice(-3000));
    for (const by of PATHS) {
      const replayed = await scribe('replay', [...by, log], { cwd: '/' });
      t.is(replayed.stderr, recorded.stderr);
      t.is(replayed.stdout, recorded.stdout);
      t.is(replayed.code, recorded.code);
    }
    place.discard();
  });
}

for (const guest of ['signal_kill_writer', 'io_many_frames']) {
  test(`whoever is killed in the agent has all in the log that has been seen of it: ${guest}`, async (t) => {
    await using _turn = await pool.enter();
    const binary = compile(join(guests, `${guest}.c`));
    const place = workspace('agent-kill');
    const log = join(place.path, 'kill.log');
    const recorded = await scribe('record', ['-o', log, '--agent', '--store', STORE, binary]);
    const came = /^(\d+) bytes have come$/m.exec(recorded.stdout)?.[1];
    let written = 0;
    let byAgent = 0;
    for (const frame of openLog(log).frames()) {
      if (frame.type === 'syscall' && frame.nr === SYS_WRITE && frame.result === 1) written++;
      else if (frame.type === 'counters') byAgent += frame.values['calls.agent'] ?? 0;
    }
    t.is(String(written), came ?? '', recorded.stderr);
    t.true(byAgent > 1000, `${byAgent} calls by the agent`);
    place.discard();
  });
}

test('what is put out is in the log once, in its order, on both paths', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(guests, 'io_output_much.c'));
  const place = workspace('agent-output');
  for (const [i, path] of PATHS.entries()) {
    const log = join(place.path, `${i}.log`);
    const recorded = await scribe('record', ['-o', log, ...path, '--store', STORE, binary]);
    t.is(recorded.code, 0, recorded.stderr);
    const pieces: { serial: number; target: number; bytes: Uint8Array }[] = [];
    let byAgent = 0;
    for (const frame of openLog(log).frames()) {
      if (frame.type === 'output') pieces.push(frame);
      else if (frame.type === 'counters') byAgent += frame.values['calls.agent'] ?? 0;
    }
    pieces.sort((a, b) => a.serial - b.serial);
    t.deepEqual(
      pieces.map(({ serial }) => serial),
      pieces.map((_, place) => place),
    );
    const told = pieces.filter(({ target }) => target === 1).map(({ bytes }) => bytes);
    t.true(Buffer.concat(told).equals(Buffer.from(recorded.stdout)));
    // Those that are alone are the agent's, but for the first.
    if (path.length === 0) t.true(byAgent > 1200, `${byAgent} calls by the agent`);
  }
  place.discard();
});

test('a full ring is emptied, and takes no call from the agent', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(guests, 'io_many_frames.c'));
  const place = workspace('agent-full');
  const log = join(place.path, 'full.log');
  await scribe('record', ['-o', log, '--store', STORE, binary]);
  const sums: Record<string, number> = {};
  for (const frame of openLog(log).frames()) {
    if (frame.type !== 'counters') continue;
    for (const [name, value] of Object.entries(frame.values))
      sums[name] = (sums[name] ?? 0) + (value ?? 0);
  }
  // Their frames are some sixty rings. What stops is a new site's, or too large for an empty one.
  t.true(sums['calls.agent']! > 200_000, JSON.stringify(sums));
  t.true(sums['calls.traced']! < 1000, JSON.stringify(sums));
  // A signal may come where a call is about to be made inside; the slower the machine the more there are.
  const signals = sums['stops.rt_sigreturn']!;
  t.true((sums['stops.read'] ?? 0) < 30 + signals, JSON.stringify(sums));
  t.true((sums['stops.clock_gettime'] ?? 0) < 30 + signals, JSON.stringify(sums));
  place.discard();
});

test('a stop that comes to a process which is just being made is in the log', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(guests, 'signal_stop_newborn.c'));
  const place = workspace('agent-stops');
  for (const [i, path] of PATHS.entries()) {
    const log = join(place.path, `${i}.log`);
    const recorded = await scribe('record', ['-o', log, ...path, '--store', STORE, binary]);
    const came = /^(\d+) stops$/m.exec(recorded.stdout)?.[1];
    let told = 0;
    for (const frame of openLog(log).frames())
      if (frame.type === 'signal' && frame.action === 'stop') told++;
    t.is(String(told), came ?? '', recorded.stderr);
  }
  place.discard();
});

test('a call that the agent has left to the tracer is in the log once, though it is the last of its task', async (t) => {
  await using _turn = await pool.enter();
  const place = workspace('agent-last');
  const log = join(place.path, 'last.log');
  const binary = compile(join(guests, 'mem_hole_last.c'));
  const recorded = await scribe('record', ['-o', log, '--store', STORE, binary]);
  t.regex(recorded.stdout, /mem_hole_last ok/, recorded.stderr);
  let whole = 0;
  for (const frame of openLog(log).frames())
    if (frame.type === 'syscall' && frame.nr === SYS_READ && frame.result === 4096) whole++;
  // Ten children read so much, and after each the parent.
  t.is(whole, 20);
  place.discard();
});

const SYS_READ = 0;
const SYS_WRITE = 1;
/** getpid, clone, fork, wait4, getppid, getpgrp, setsid, getpgid, getsid, gettid, set_tid_address. */
const GIVES_ID: ReadonlySet<number> = new Set([39, 56, 57, 61, 110, 111, 112, 121, 124, 186, 218]);

const MMAP = 9;
const CLOCK_GETTIME = 228;

const busy = join(root, 'test/programs/agent-busy.c');

test('calls of a busy program are recorded by the agent, and say what the traced path says', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(busy);
  const place = workspace('agent-oracle');
  const calls: string[][] = [];
  for (const options of PATHS) {
    const log = join(place.path, 'busy.log');
    const recorded = await scribe('record', [
      '-o',
      log,
      '--store',
      STORE,
      ...options,
      binary,
      '300',
    ]);
    t.is(recorded.code, 7, recorded.stderr);
    const told: string[] = [];
    for await (const frame of openLog(log).events({})) {
      if (frame.type === 'data') {
        told.push(`data ${frame.arg} ${frame.size} ${Buffer.from(frame.bytes).toString('hex')}`);
      } else if (frame.type === 'syscall') {
        // Of mapped code, what is changed for rdtsc to trap, which it does by itself on the traced path.
        const sizes = frame.nr === MMAP ? [] : frame.writes.map(({ bytes }) => bytes.length);
        told.push(`call ${frame.nr} ${frame.args.length} ${sizes.join()}`);
      }
    }
    calls.push(told);
  }
  const info = await scribe('scribe', ['info', '--json', join(place.path, 'busy.log')]);
  const { paths, syscalls } = JSON.parse(info.stdout) as LogInfo;
  t.true(paths!.agent > 2000, info.stdout);
  t.is(paths!.agent + paths!.traced, syscalls.total);
  t.true(paths!.stops.mmap! > 0, info.stdout);
  t.deepEqual(calls[1], calls[0]);
  place.discard();
});

test('parts of a file are mapped by the agent, and their frames say what the traced path says', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(guests, 'mem_file_parts.c'));
  const place = workspace('agent-parts');
  const mappings: string[][] = [];
  const stops: number[] = [];
  for (const options of PATHS) {
    const log = join(place.path, `parts${mappings.length}.log`);
    const args = ['-o', log, '--store', STORE, ...options, binary];
    const recorded = await scribe('record', args, { cwd: place.path });
    t.is(recorded.code, 0, recorded.stderr);
    const told: string[] = [];
    let first: number | undefined;
    for await (const frame of openLog(log).events({})) {
      first ??= frame.task;
      if (frame.type !== 'mapping' || frame.task !== first) continue;
      const { start, end, prot, flags, backing } = frame.mapping;
      const { path: _path, ...what } = { path: '', ...backing };
      told.push(`${end - start} ${prot} ${flags} ${JSON.stringify(what)}`);
    }
    mappings.push(told);
    const info = await scribe('scribe', ['info', '--json', log]);
    stops.push((JSON.parse(info.stdout) as LogInfo).paths?.stops.mmap ?? 0);
  }
  t.deepEqual(mappings[1], mappings[0]);
  t.true(mappings[0]!.length > 800);
  // Of three mappings of its own file, 200 times, the first; all of the files that the program has written.
  t.true(stops[1]! > 200 && stops[1]! < 600, stops.join());

  // Of a file whose path is longer than what the agent can be told, all.
  const directory = join(place.path, ...Array<string>(5).fill('d'.repeat(200)));
  mkdirSync(directory, { recursive: true });
  const far = join(directory, 'program');
  copyFileSync(binary, far);
  const log = join(place.path, 'far.log');
  const recorded = await scribe('record', ['-o', log, '--store', STORE, far], { cwd: place.path });
  t.is(recorded.code, 0, recorded.stderr);
  const info = await scribe('scribe', ['info', '--json', log]);
  t.true((JSON.parse(info.stdout) as LogInfo).paths!.stops.mmap! > 600, info.stdout);
  const replayed = await scribe('replay', [log], { cwd: '/' });
  t.is(replayed.stdout, recorded.stdout, replayed.stderr);
  place.discard();
});

/** Calls that only tell the time. */
const TIME_CALLS = ['clock_gettime', 'gettimeofday', 'time'];

for (const [kind, isOpen] of [
  ['', true],
  ['that makes code', false],
] as const) {
  test(`a program ${kind} reads the time without stops, ${isOpen ? 'and no call is made' : 'by calls'}`, async (t) => {
    await using _turn = await pool.enter();
    const binary = compile(join(root, 'test/programs/read-time.c'));
    const place = workspace('agent-time');
    const log = join(place.path, 'time.log');
    const args = ['-o', log, '--store', STORE, binary, ...(isOpen ? [] : ['code'])];
    const recorded = await scribe('record', args, { cwd: place.path });
    t.is(recorded.code, 0, recorded.stderr);
    // An answer that the agent has found itself is also the time of its frame, in whole microseconds.
    const differences = new Map<number, number>();
    let calls = 0;
    for await (const frame of openLog(log).events({})) {
      if (frame.type !== 'syscall' || frame.nr !== CLOCK_GETTIME || frame.args[0] !== 1) continue;
      const { bytes } = frame.writes[0]!;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const ns = Number(view.getBigInt64(0, true)) * 1e9 + Number(view.getBigInt64(8, true));
      const difference = ns - (ns % 1000) - frame.time;
      differences.set(difference, (differences.get(difference) ?? 0) + 1);
      calls++;
    }
    const same = Math.max(...differences.values());
    t.is(same * 10 > calls * 9, isOpen, `${same} of ${calls}`);
    const info = await scribe('scribe', ['info', '--json', log]);
    const { paths } = JSON.parse(info.stdout) as LogInfo;
    for (const name of TIME_CALLS) t.true((paths!.stops[name] ?? 0) < 100, info.stdout);
    for (const more of PATHS) {
      const replayed = await scribe('replay', [...more, log], { cwd: '/' });
      t.is(replayed.code, 0, replayed.stderr);
      t.is(replayed.stdout, recorded.stdout);
    }
    place.discard();
  });
}

test('rdtsc and cpuid that are passed often do not stop the program', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(guests, 'cpu_trap_sites.c'));
  const place = workspace('agent-traps');
  const log = join(place.path, 'traps.log');
  const args = ['-o', log, '--store', STORE, '--agent', '--state-hashes', binary, 'quiet'];
  const recorded = await scribe('record', args, { cwd: place.path });
  t.is(recorded.code, 0, recorded.stderr);
  const info = await scribe('scribe', ['info', '--json', log]);
  const { stops } = (JSON.parse(info.stdout) as LogInfo).paths!;
  // 8,000 and 6,000 times and more in the program alone; there is no way to change the 2,000 rdtscp.
  t.true(stops.cpuid! < 200, info.stdout);
  t.true(stops.rdtsc! < 100, info.stdout);
  t.is(stops.rdtscp, 2040);
  for (const more of [[], ['--agent']]) {
    const replayed = await scribe('replay', [...more, log], { cwd: '/' });
    t.is(replayed.code, 0, replayed.stderr);
    t.is(replayed.stdout, recorded.stdout);
  }
  place.discard();
});

test('what the agent writes of each of its calls is what the traced path writes', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(root, 'test/programs/agent-calls.c'));
  const place = workspace('agent-calls');
  const frames: string[][] = [];
  for (const options of PATHS) {
    const log = join(place.path, `calls${options.length}.log`);
    const args = ['-o', log, '--store', STORE, ...options, binary];
    const recorded = await scribe('record', args, { cwd: place.path });
    t.is(recorded.code, 7, recorded.stderr);
    const told: string[] = [];
    let first: number | undefined;
    for await (const frame of openLog(log).events({})) {
      first ??= frame.task;
      // Nobody knows when a child runs.
      if (frame.task !== first) continue;
      if (frame.type === 'data')
        told.push(`data ${frame.arg} ${frame.size} ${withoutAddresses(frame.bytes)}`);
      else if (frame.type === 'mapping') {
        const { start, end, prot, flags, backing } = frame.mapping;
        told.push(`mapping ${end - start} ${prot} ${flags} ${backing.kind}`);
      } else if (frame.type === 'signal' && frame.action !== 'ignored')
        told.push(`signal ${frame.signo} ${frame.point} ${frame.action}`);
      else if (frame.type === 'syscall') {
        const { nr, args, result, writes } = frame;
        // Ids, addresses and times differ from run to run.
        const sizes = nr === MMAP ? [] : writes.map((write) => write.bytes.length);
        const isNumber = !GIVES_ID.has(Number(nr)) && Number(result) < 1000 ? String(result) : '';
        told.push(`call ${nr} ${args.length} ${isNumber} ${sizes.join()}`);
      }
    }
    frames.push(told);
    const replayed = await scribe('replay', [log]);
    t.is(replayed.code, 7, replayed.stderr);
  }
  t.deepEqual(frames[1], frames[0]);
  place.discard();
});

test('a bookmark of a busy program is reached and verified', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(busy);
  const place = workspace('agent-bookmark');
  const log = join(place.path, 'busy.log');
  const recording = new Meddled(log, [binary, '1000000'], ['-v']);
  t.true(await recording.printed('1000\n'), recording.stderr);
  for (const id of ['1', '2']) {
    recording.child.kill('SIGUSR2');
    t.true(await recording.told(`bookmark ${id}\n`), recording.stderr);
  }
  recording.child.kill('SIGTERM');
  await recording.closed;
  t.is(recording.child.exitCode, 7, recording.stderr);
  for (const id of ['1', '2']) {
    const replayed = await scribe('replay', ['-q', '--until', id, log]);
    t.is(replayed.code, 0, replayed.stderr);
  }
  const whole = await scribe('replay', [log]);
  t.is(whole.stdout, recording.stdout);
  place.discard();
});

test('a bookmark does not change what a sleeping call has before it', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(root, 'test/programs/agent-asleep.c'));
  const place = workspace('agent-asleep');
  const log = join(place.path, 'asleep.log');
  const recording = new Meddled(log, [binary], ['-v']);
  const waits = 7;
  for (let wait = 1; wait <= waits; wait++) {
    t.true(await recording.printed(`wait ${wait}\n`), recording.stderr);
    const pid = childOf(recording.child.pid!);
    // Asleep in its call; stopped, it is the tracer's just now.
    while (!/State:\tS/.test(status(pid))) await delay(5);
    recording.child.kill('SIGUSR2');
    t.true(await recording.told(`bookmark ${wait}\n`), recording.stderr);
    process.kill(pid, 'SIGTERM');
  }
  await recording.closed;
  t.is(recording.child.exitCode, 7, recording.stderr);
  for (const options of PATHS) {
    const whole = await scribe('replay', [...options, log]);
    t.is(whole.stdout, recording.stdout);
    t.is(whole.code, 7, whole.stderr);
  }
  for (let wait = 1; wait <= waits; wait++) {
    const replayed = await scribe('replay', ['-q', '--until', `${wait}`, log]);
    t.is(replayed.code, 0, replayed.stderr);
  }
  place.discard();
});

test('nothing of the agent stays in a program that is detached', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(busy);
  const place = workspace('agent-detach');
  const log = join(place.path, 'busy.log');
  const recording = new Meddled(log, [binary, '2000000'], []);
  t.true(await recording.printed('1000\n'), recording.stderr);
  const pid = childOf(recording.child.pid!);
  const patched = maps(pid);
  t.true(patched.some(isReserved), 'the agent was there');
  recording.child.kill('SIGUSR1');
  while (/TracerPid:\t[1-9]/.test(status(pid))) await delay(20);
  t.deepEqual(maps(pid).filter(isReserved), []);
  // Code that is only the file's is shared with all who run it: no page of it is the process's own.
  const text = /^[0-9a-f]+-[0-9a-f]+ r-xp .*\n(?:.*\n)*?Anonymous: +(\d+) kB/gm;
  for (const [mapping, own] of readFileSync(`/proc/${pid}/smaps`, 'utf8').matchAll(text))
    t.is(own, '0', mapping);
  process.kill(pid, 'SIGTERM');
  await recording.closed;
  const replayed = await scribe('replay', [log]);
  t.true(recording.stdout.startsWith(replayed.stdout));
  place.discard();
});

test('code that a program has changed stays so when it is detached, though others have patched that code', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(root, 'test/programs/own-page.c'));
  const place = workspace('agent-own-page');
  const first = join(place.path, 'first.log');
  const recorded = await scribe('record', ['-o', first, '--store', STORE, binary]);
  t.is(recorded.stdout, 'called\nanswer 1\n', recorded.stderr);
  const log = join(place.path, 'changed.log');
  const recording = new Meddled(log, [binary, 'changed'], []);
  t.true(await recording.printed('called\n'), recording.stderr);
  const pid = childOf(recording.child.pid!);
  recording.child.kill('SIGUSR1');
  while (/TracerPid:\t[1-9]/.test(status(pid))) await delay(20);
  process.kill(pid, 'SIGTERM');
  await recording.closed;
  t.is(recording.stdout, 'called\nanswer 2\n', recording.stderr);
  await replayWhatThereIs(t, log, recording.stdout);
  place.discard();
});

/** In hexadecimal; words that are addresses, which differ from run to run, are left out. */
function withoutAddresses(bytes: Uint8Array): string {
  const copy = Buffer.from(bytes);
  for (let at = 0; at + 8 <= copy.length; at += 8) {
    const top = copy.readUInt32LE(at + 4);
    if (top >= 0x5000 && top < 0x8000) copy.fill(0, at, at + 8);
  }
  return copy.toString('hex');
}

function isReserved(line: string): boolean {
  return /^7[0-7][0-9a-f]{6}-/.test(line);
}

const maps = (pid: number): string[] => readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'utf8');

function childOf(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`)
    .map((tid) => readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8').trim())
    .join(' ')
    .trim();
  return Number(children.split(' ')[0]);
}
