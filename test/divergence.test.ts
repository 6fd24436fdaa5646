import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { record } from '@scribe-ts/recorder';
import { type Divergence, DivergenceError, replay, type ReplayOptions } from '@scribe-ts/replayer';
import { type Frame, openLog, rewriteLog } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { compile, ended, root, run, workspace } from './harness.js';

const SOURCE = join(root, 'test/programs/diverge.c');
/** The compiler's default has no frame pointers, and .eh_frame to make up for it. */
const FRAME_POINTERS = ['-fno-omit-frame-pointer', '-fno-asynchronous-unwind-tables'];
const HISTORY = 5;
const WRITE = 1;
const EXIT_GROUP = 231;
const REGISTERS =
  'rip rsp rbp rax rbx rcx rdx rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 orig_rax eflags fs_base gs_base';

interface Recorded {
  readonly binary: string;
  readonly log: string;
  readonly frames: readonly Frame[];
}

interface Edited extends Recorded {
  /** The frame that was changed, as it is now, and its place. */
  readonly frame: Frame;
  readonly index: number;
}

/** Records the program; everything is in a directory that goes when the test has passed. */
async function recordProgram(
  t: ExecutionContext,
  what: string,
  { flags = [] as readonly string[], stateHashes = false } = {},
): Promise<Recorded> {
  const binary = compile(SOURCE, flags);
  const place = workspace('divergence');
  t.teardown(() => (t.passed ? place.discard() : t.log(`kept: ${place.path}`)));
  const log = join(place.path, 'run.log');
  const output = openSync(join(place.path, 'output'), 'w+');
  const recording = await record({
    command: [binary, what],
    log,
    env: ['PATH=/usr/bin:/bin', 'LANG=C'],
    cwd: place.path,
    verbosity: 'sSrmdgp',
    store: join(root, 'build/store'),
    stateHashes,
    stdio: [output, output, output],
  });
  const { status } = await ended(recording);
  closeSync(output);
  t.is(status, 0);
  return { binary, log, frames: framesOf(log) };
}

function framesOf(log: string): readonly Frame[] {
  const reader = openLog(log);
  try {
    return [...reader.records()].map(({ frame }) => frame);
  } finally {
    reader.close();
  }
}

/** Changes the last frame that `change` does not give undefined for. */
function edit(recorded: Recorded, change: (frame: Frame) => Frame | undefined): Edited {
  const index = recorded.frames.findLastIndex((frame) => change(frame) !== undefined);
  const log = `${recorded.log}.edited`;
  let at = -1;
  rewriteLog(recorded.log, log, (frame) => (++at === index ? change(frame) : frame));
  const frames = framesOf(log);
  const frame = frames[index];
  if (frame === undefined) throw new Error('no frame to change');
  return { ...recorded, log, frames, frame, index };
}

async function diverge(log: string, options: Partial<ReplayOptions> = {}): Promise<Divergence> {
  try {
    await replay({ log, backtraceLength: HISTORY, onOutput: () => undefined, ...options });
  } catch (error) {
    if (error instanceof DivergenceError) return error.divergence;
    throw error;
  }
  throw new Error('the replay did not diverge');
}

interface Expected {
  readonly kind: Divergence['kind'];
  readonly message: RegExp;
  /** The frame of the log, and the first one that has not been replayed. */
  readonly expected: Frame;
  readonly cursor: number;
  readonly actual: {
    readonly event: RegExp;
    readonly nr?: number;
    readonly args?: readonly unknown[];
    readonly signo?: number;
  };
  readonly state: string;
  /** Functions of the program on the stack, innermost first. */
  readonly functions: readonly string[];
}

/** Every field of the report on the one task of a program. */
function check(
  t: ExecutionContext,
  { binary, log, frames }: Recorded,
  divergence: Divergence,
  expected: Expected,
): void {
  const start = frames.find((frame) => frame.type === 'task-start')!;
  const { kind, message, task, pid, tid, actual, registers, backtrace, history } = divergence;
  t.is(kind, expected.kind);
  t.regex(message, expected.message);
  t.deepEqual([task, pid, tid], [start.task, start.pid, start.tid]);
  t.deepEqual(divergence.expected, expected.expected);

  t.regex(actual.event, expected.actual.event);
  t.is(actual.nr, expected.actual.nr);
  t.deepEqual(actual.args, expected.actual.args);
  t.is(actual.signo, expected.actual.signo);

  t.deepEqual(Object.keys(registers), REGISTERS.split(' '));
  for (const value of Object.values(registers)) t.regex(value, /^0x[0-9a-f]{1,16}$/);
  t.is(registers.rip, actual.rip);
  if (expected.actual.nr !== undefined) t.is(Number(registers.orig_rax), expected.actual.nr);
  const first = expected.actual.args?.[0];
  if (first !== undefined) t.is(Number(registers.rdi), first as number);
  t.true(BigInt(registers.fs_base!) > 0n);

  checkBacktrace(t, binary, divergence, expected.functions);
  t.is(backtrace[0]!.address, actual.rip);

  t.deepEqual(history, [
    {
      task,
      pid,
      tid,
      state: expected.state,
      frames: frames.slice(Math.max(0, expected.cursor - HISTORY), expected.cursor),
    },
  ]);
  t.is(divergence.core, `${log}.core`);
  t.is(statSync(divergence.core).mode & 0o777, 0o600);
  t.false(existsSync(`${divergence.core}.part`));
  t.deepEqual(divergence.notes, []);
}

function checkBacktrace(
  t: ExecutionContext,
  binary: string,
  { backtrace }: Divergence,
  functions: readonly string[],
): void {
  const own = backtrace.filter((line) => line.object === binary);
  const names = own.map((line) => line.symbol.replace(/\+0x[0-9a-f]+$/, ''));
  t.deepEqual(names, [...functions, '_start'], JSON.stringify(backtrace, null, 1));
  for (const { address, symbol } of own) {
    t.regex(address, /^0x[0-9a-f]+$/);
    t.regex(symbol, /\+0x[0-9a-f]+$/);
  }
  t.is(backtrace.at(-1)!.symbol, own.at(-1)!.symbol);
  const others = backtrace.filter((line) => line.object !== binary);
  for (const { object } of others) t.regex(object, /^\/.*\/(libc\.so\.6|ld-linux-x86-64\.so\.2)$/);
}

interface Debugger {
  readonly functions: readonly string[];
  readonly output: string;
}

/** What gdb makes of a core file. */
async function debug(
  t: ExecutionContext,
  binary: string,
  core: string,
  ...commands: readonly string[]
): Promise<Debugger> {
  const all = ['set pagination off', 'set backtrace past-main on', 'bt', ...commands];
  const args = ['-nx', '-batch', ...all.flatMap((command) => ['-ex', command]), binary, core];
  // Symbols of the system's libraries from elsewhere would only take time.
  const { stdout, stderr } = await run('gdb', args, {
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  t.notRegex(stderr, /not in executable format|No such process|truncated/);
  const calls = [...stdout.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?([A-Za-z_]\w*) \(/gm)];
  return { functions: [...new Set(calls.map((call) => call[1]!))], output: stdout };
}

const isWrite = (frame: Frame): frame is Extract<Frame, { type: 'syscall' }> =>
  frame.type === 'syscall' && frame.nr === WRITE;

const hasDebugger = existsSync('/usr/bin/gdb');
if (!hasDebugger) console.error('gdb is not here: core files are not opened by it');

for (const [variant, flags] of [
  ['without frame pointers', ['-fomit-frame-pointer']],
  ['without unwind tables', FRAME_POINTERS],
] as const) {
  test.serial(`another system call, ${variant}`, async (t) => {
    const recorded = await recordProgram(t, 'write', { flags });
    const edited = edit(recorded, (frame) =>
      isWrite(frame) ? { ...frame, nr: 0, args: [...frame.args] } : undefined,
    );
    const original = recorded.frames[edited.index]! as Extract<Frame, { type: 'syscall' }>;
    const divergence = await diverge(edited.log);
    check(t, edited, divergence, {
      kind: 'syscall',
      message: /^task 2 diverged: the log expected it to call read, the program did: write$/,
      expected: edited.frame,
      cursor: edited.index,
      actual: { event: /^write$/, nr: WRITE, args: original.args },
      state: 'about to call write',
      functions: ['innermost', 'middle', 'main'],
    });
    t.regex(divergence.backtrace[0]!.symbol, /^write\+0x/);
    t.regex(divergence.backtrace[0]!.object, /libc\.so\.6$/);
    if (!hasDebugger) return;
    const { functions, output } = await debug(
      t,
      edited.binary,
      divergence.core,
      'info registers rip',
      'info proc',
      'x/s $rsi',
    );
    t.deepEqual(functions.slice(1, 4), ['innermost', 'middle', 'main']);
    t.true(output.includes(`rip            ${divergence.actual.rip} `));
    t.true(output.includes(`exe = '${edited.binary} write'`), output);
    t.true(output.includes('"hello\\n"'), output);
  });
}

test.serial('other arguments', async (t) => {
  const recorded = await recordProgram(t, 'write');
  const edited = edit(recorded, (frame) =>
    isWrite(frame) ? { ...frame, args: [...frame.args.slice(0, 2), 7] } : undefined,
  );
  const { args } = edited.frame as Extract<Frame, { type: 'syscall' }>;
  const divergence = await diverge(edited.log);
  check(t, edited, divergence, {
    kind: 'arguments',
    message:
      /expected it to call write with argument 2 = 0x7, the program did: write with argument 2 = 0x6$/,
    expected: edited.frame,
    cursor: edited.index,
    actual: {
      event: /^write with argument 2 = 0x6$/,
      nr: WRITE,
      args: [args[0], args[1], 6],
    },
    state: 'about to call write',
    functions: ['innermost', 'middle', 'main'],
  });
});

test.serial('other output', async (t) => {
  const recorded = await recordProgram(t, 'write');
  const edited = edit(recorded, (frame) =>
    frame.type === 'data' && Buffer.from(frame.bytes).toString() === 'hello\n'
      ? { ...frame, bytes: Buffer.from('help!\n') }
      : undefined,
  );
  const cursor = edited.frames.findIndex((frame, i) => i > edited.index && isWrite(frame));
  const { args } = edited.frames[cursor] as Extract<Frame, { type: 'syscall' }>;
  const divergence = await diverge(edited.log);
  check(t, edited, divergence, {
    kind: 'output',
    message:
      /expected it to hand over the recorded bytes, the program did: other bytes from offset 3 on/,
    expected: edited.frame,
    cursor,
    actual: { event: /^other bytes from offset 3 on: "lo\\n"$/, nr: WRITE, args },
    state: 'about to call write',
    functions: ['innermost', 'middle', 'main'],
  });
});

test.serial('another signal', async (t) => {
  const recorded = await recordProgram(t, 'fault');
  const edited = edit(recorded, (frame) =>
    frame.type === 'signal' && frame.signo === 11 ? { ...frame, signo: 8 } : undefined,
  );
  const { rip } = edited.frame as Extract<Frame, { type: 'signal' }>;
  const divergence = await diverge(edited.log);
  check(t, edited, divergence, {
    kind: 'signal',
    message: /expected it to get signal 8, the program did: signal 11$/,
    expected: edited.frame,
    cursor: edited.index,
    actual: { event: /^signal 11$/, signo: 11 },
    state: 'stopped by signal 11',
    functions: ['fault', 'innermost', 'middle', 'main'],
  });
  t.is(Number(divergence.actual.rip), rip);
  if (!hasDebugger) return;
  const { functions, output } = await debug(t, edited.binary, divergence.core, 'p $_siginfo');
  t.deepEqual(functions.slice(0, 4), ['fault', 'innermost', 'middle', 'main']);
  t.regex(output, /Program terminated with signal SIGSEGV/);
  t.regex(output, /si_addr = 0x8|_sigfault = \{si_addr = 0x8/);
});

test.serial('a trapping instruction elsewhere', async (t) => {
  const recorded = await recordProgram(t, 'trap');
  const edited = edit(recorded, (frame) =>
    frame.type === 'trap' ? { ...frame, rip: frame.rip + 1 } : undefined,
  );
  const { rip } = edited.frame as Extract<Frame, { type: 'trap' }>;
  const divergence = await diverge(edited.log);
  const actual = (rip - 1).toString(16);
  check(t, edited, divergence, {
    kind: 'trap',
    message: new RegExp(
      `expected it to run rdtsc at 0x${rip.toString(16)}, the program did: rdtsc at 0x${actual}$`,
    ),
    expected: edited.frame,
    cursor: edited.index,
    actual: { event: new RegExp(`^rdtsc at 0x${actual}$`), signo: 11 },
    state: 'stopped by signal 11',
    functions: ['innermost', 'middle', 'main'],
  });
  t.is(divergence.actual.rip, `0x${actual}`);
});

test.serial('another state', async (t) => {
  const recorded = await recordProgram(t, 'write', { stateHashes: true });
  const other = '0123456789abcdef0123456789abcdef';
  let hash = '';
  const edited = edit(recorded, (frame) => {
    if (frame.type !== 'state') return undefined;
    hash = frame.memory;
    return { ...frame, memory: other };
  });
  const divergence = await diverge(edited.log);
  check(t, edited, divergence, {
    kind: 'state',
    message: new RegExp(
      `to have memory with hash ${other}, the program did: memory with hash ${hash}$`,
    ),
    expected: edited.frame,
    cursor: edited.index,
    actual: { event: new RegExp(`^memory with hash ${hash}$`), nr: EXIT_GROUP, args: [0] },
    state: 'about to call exit_group',
    functions: [],
  });
});

/** The edited byte that `await_zero` reads keeps the program in its loop. */
async function recordLoop(t: ExecutionContext): Promise<Edited & { readonly cursor: number }> {
  const recorded = await recordProgram(t, 'wait');
  const edited = edit(recorded, (frame) => {
    if (frame.type !== 'syscall' || frame.nr !== 0 || frame.result !== 1) return undefined;
    return {
      ...frame,
      writes: frame.writes.map(({ addr }) => ({ addr, bytes: Uint8Array.of(1) })),
    };
  });
  const cursor = edited.frames.findIndex((frame, i) => i > edited.index && isWrite(frame));
  return { ...edited, cursor };
}

test.serial('a program that makes no progress', async (t) => {
  const edited = await recordLoop(t);
  const divergence = await diverge(edited.log, { deadlockSeconds: 1 });
  check(t, edited, divergence, {
    kind: 'stuck',
    message: /expected it to reach the next frame, the program did: made no progress$/,
    expected: edited.frames[edited.cursor]!,
    cursor: edited.cursor,
    actual: { event: /^made no progress$/ },
    state: 'running',
    functions: ['innermost', 'middle', 'main'],
  });
  if (!hasDebugger) return;
  const { functions } = await debug(t, edited.binary, divergence.core);
  t.true(functions.includes('innermost') && functions.includes('main'));
});

test.serial('a process that somebody ends', async (t) => {
  const edited = await recordLoop(t);
  const last = edited.frames[edited.cursor - 1]!;
  let killed = 0;
  let over = false;
  const killWhenRunning = (): void => {
    // The next test has a child that runs as well.
    if (killed !== 0 || over) return;
    const pid = runningChild();
    if (pid === undefined) setImmediate(killWhenRunning);
    else process.kill((killed = pid), 'SIGKILL');
  };
  const divergence = await diverge(edited.log, {
    onFrame: (frame) => {
      if (frame.time === last.time && frame.type === last.type) killWhenRunning();
    },
  });
  over = true;
  t.not(killed, 0);
  check(t, edited, divergence, {
    kind: 'exit',
    message: /expected it to go on, the program did: ended with wait status 9$/,
    expected: edited.frames[edited.cursor]!,
    cursor: edited.cursor,
    actual: { event: /^ended with wait status 9$/ },
    state: 'running',
    functions: ['innermost', 'middle', 'main'],
  });
});

/** A child of this process that runs user code: the replayed program, when it does not wait for the replay. */
function runningChild(): number | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'R' && Number(parent) === process.pid) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
}

test.serial('a register that a signal handler begins with', async (t) => {
  const recorded = await recordProgram(t, 'handler');
  const R12 = 24;
  const edited = edit(recorded, (frame) => {
    if (frame.type !== 'signal' || frame.action !== 'handler') return undefined;
    const regs = frame.regs.slice();
    regs[R12]! ^= 1;
    return { ...frame, regs };
  });
  const divergence = await diverge(edited.log);
  t.is(divergence.kind, 'signal');
  t.regex(
    divergence.message,
    /to get signal 10 with r12 = 0x[0-9a-f]+, the program did: signal 10 with r12 = 0x/,
  );
  t.deepEqual(divergence.expected, edited.frame);
});

test.serial('calls below a signal handler', async (t) => {
  const recorded = await recordProgram(t, 'handler');
  const edited = edit(recorded, (frame) => (isWrite(frame) ? { ...frame, nr: 0 } : undefined));
  const divergence = await diverge(edited.log);
  checkBacktrace(t, edited.binary, divergence, ['innermost', 'middle', 'handler', 'main']);
});

test.serial('all threads are in the report and in the core file', async (t) => {
  const recorded = await recordProgram(t, 'threads');
  const edited = edit(recorded, (frame) =>
    isWrite(frame) && frame.result === 8 ? { ...frame, nr: 0 } : undefined,
  );
  const divergence = await diverge(edited.log);
  const { history, core } = divergence;
  const { pid } = divergence;
  t.deepEqual(
    history.map(({ task }) => task),
    [2, 3, 4, 5],
  );
  t.is(history[0]!.state, 'about to call write');
  // A thread that has woken the first one may not have had its turn again.
  for (const { state } of history.slice(1, 3)) t.regex(state, /^about to call (read|write)$/);
  // Another process, which is replayed at its own pace.
  t.not(history[3]!.state, '');
  t.deepEqual(
    history.map((entry) => entry.pid === pid),
    [true, true, true, false],
  );
  for (const { task, frames } of history) {
    const inLog = edited.frames.slice(0, edited.index).filter((frame) => frame.task === task);
    // The streams of other tasks may have been replayed further than the merged order of the log tells.
    if (task === 2) t.deepEqual(frames, inLog.slice(-HISTORY));
    else t.true(frames.length > 0 && frames.every((frame) => frame.task === task));
    t.true(frames.length <= HISTORY);
  }
  if (!hasDebugger) return;
  const { output } = await debug(t, edited.binary, core, 'thread apply all bt');
  const threads = [...output.matchAll(/^\[New LWP (\d+)\]|^Thread \d+ \(.*LWP (\d+)/gm)];
  const tids = new Set(threads.map((match) => Number(match[1] ?? match[2])));
  t.deepEqual(tids, new Set(history.slice(0, 3).map(({ tid }) => tid)));
  t.is(output.match(/ in sleeper \(/g)?.length, 2, output);
});

test.serial('reservations do not make the core file large', async (t) => {
  const recorded = await recordProgram(t, 'reserve');
  const edited = edit(recorded, (frame) => (isWrite(frame) ? { ...frame, nr: 0 } : undefined));
  const { core, notes } = await diverge(edited.log);
  t.is(notes.length, 1);
  t.regex(notes[0]!, /nor mappings above 64 GiB: not all of [0-9a-f]+-[0-9a-f]+$/);
  t.true(statSync(core).blocks * 512 < 32 * 1024 * 1024);
  t.true(readFileSync(core).includes('in the middle'));
});

test.serial('a core file that cannot be written', async (t) => {
  const recorded = await recordProgram(t, 'write');
  const edited = edit(recorded, (frame) => (isWrite(frame) ? { ...frame, nr: 0 } : undefined));
  const nowhere = await diverge(edited.log, { corePath: `${edited.log}/nowhere/core` });
  t.is(nowhere.core, '');
  t.regex(nowhere.notes.join(), /^no core file: ENOTDIR/);
  t.is(nowhere.backtrace.at(-1)?.symbol.replace(/\+.*/, ''), '_start');

  const device = await diverge(edited.log, { corePath: '/dev/null' });
  t.is(device.core, '');
  t.regex(device.notes.join(), /^no core file: \/dev\/null is there, and not a plain file$/);
  t.true(statSync('/dev/null').isCharacterDevice());

  const elsewhere = `${edited.log}.elsewhere`;
  writeFileSync(elsewhere, 'an older one');
  const there = await diverge(edited.log, { corePath: elsewhere });
  t.is(there.core, elsewhere);
  t.is(readFileSync(elsewhere).subarray(1, 4).toString(), 'ELF');
});
