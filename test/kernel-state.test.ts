/** What a replay keeps of the kernel's side of a program, against the kernel itself. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type KernelState, openReplay, type ProcessKernelState } from '@scribe-ts/replayer';
import test, { type ExecutionContext } from 'ava';
import { Meddled } from './busy.js';
import { compile, Pool, root, scribe, workspace } from './harness.js';

const O_CLOEXEC = 0o2000000;
/** Guests whose calls change what is kept in many ways; ALL_GUESTS=1 takes all there are. */
const GUESTS = [
  'exec_inherits',
  'file_close_range',
  'file_dup',
  'ipc_pidfd',
  'poll_epoll_modes',
  'signal_mask',
  'sock_scm_rights',
  'thread_open_numbers',
];
const guests =
  process.env.ALL_GUESTS === undefined
    ? GUESTS
    : readdirSync(join(root, 'test/guests')).flatMap((file) => /^(.*)\.c$/.exec(file)?.[1] ?? []);
/** Say what they cannot be recorded with (see guests.test.ts), or have descriptors made by reads. */
const LEFT_OUT = new Set(['file_fanotify', 'kernel_vsyscall']);
/** May have been ignored before the program began, which is not in the log: SIGHUP, SIGINT, SIGQUIT. */
const INHERITED = [1, 2, 3];
/** Recorded with the agent as well, whose dispatch unblocks SIGSYS. */
const WITH_AGENT = ['proc_spawn'];
const pool = new Pool(2);

/** What is kept at a bookmark. */
async function kernelStateAt(
  t: ExecutionContext,
  log: string,
  bookmark: number,
): Promise<KernelState> {
  const session = await openReplay({ log, keepKernelState: true });
  t.teardown(() => session.close());
  await session.runTo({ bookmark });
  return session.kernelState();
}

for (const [name, ...options] of [
  ...guests
    .filter((name) => !LEFT_OUT.has(name))
    .map((name): [string, string] => [name, '--no-agent']),
  ...WITH_AGENT.map((name): [string] => [name]),
])
  test(`no answer of the kernel contradicts what is kept: ${[name, ...options].join(' ')}`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace(name);
    const log = join(place.path, `${name}.log`);
    const binary = compile(join(root, 'test/guests', `${name}.c`));
    const store = join(root, 'build/store');
    const record = [...options, '-o', log, '--store', store, binary];
    const recorded = await scribe('record', record, { cwd: place.path });
    t.is(recorded.code, 0, recorded.stderr);
    const session = await openReplay({ log, keepKernelState: true });
    t.teardown(() => session.close());
    let state: KernelState | undefined;
    for await (const _ of session.events({ type: 'exit' })) state = await session.kernelState();
    t.deepEqual(state?.contradictions, []);
    place.discard();
  });

/** A field of /proc/PID/status. */
function status(pid: number, tid: number, field: string): string {
  const text = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1');
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(text)![1]!;
}

const signalsIn = (hex: string): number[] =>
  Array.from({ length: 64 }, (_, i) => i + 1).filter(
    (n) => (BigInt(`0x${hex}`) >> BigInt(n - 1)) & 1n,
  );

type TaskMask = readonly [tid: number, signals: readonly number[]];

const byTid = (masks: readonly TaskMask[]): readonly TaskMask[] =>
  masks.toSorted(([one], [other]) => one - other);

interface Truth {
  readonly descriptors: readonly { readonly fd: number }[];
  readonly handled: readonly number[];
  readonly ignored: readonly number[];
  readonly blocked: readonly TaskMask[];
  readonly cwd: string;
  readonly umask: number;
  readonly coreLimit: readonly string[];
}

/** What a link in /proc/PID/fd says, in the words of the state that is kept. */
function described(link: string): string {
  if (link.startsWith('pipe:')) return 'pipe';
  if (link.startsWith('socket:')) return 'socket';
  if (link.startsWith('/memfd:')) return 'memfd';
  const anonymous = /^anon_inode:\[(.*)\]$/.exec(link)?.[1];
  return anonymous === undefined ? link : anonymous === 'eventpoll' ? 'epoll' : anonymous;
}

/** The kernel's own account of a process that rests. */
function truthOf(pid: number): Truth {
  const descriptors = readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .sort((one, other) => one - other)
    .map((fd) => {
      const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
      const flags = parseInt(/^flags:\s*(\d+)/m.exec(info)![1]!, 8);
      const what = described(readlinkSync(`/proc/${pid}/fd/${fd}`));
      // A FIFO has none.
      const isFifo = statSync(`/proc/${pid}/fd/${fd}`).isFIFO();
      const offset = isFifo ? undefined : Number(/^pos:\s*(\d+)/m.exec(info)![1]);
      const known = what.startsWith('/') ? { what, offset } : { what };
      return { fd, ...known, flags: flags & ~O_CLOEXEC, closeOnExec: (flags & O_CLOEXEC) !== 0 };
    });
  // Not in the order of their beginnings, nor of their numbers: 10000 comes before 9999.
  const tids = readdirSync(`/proc/${pid}/task`).map(Number);
  const limit = /^Max core file size\s+(\d+|unlimited)\s+(\d+|unlimited)/m;
  return {
    descriptors,
    handled: signalsIn(status(pid, pid, 'SigCgt')),
    ignored: signalsIn(status(pid, pid, 'SigIgn')),
    blocked: byTid(tids.map((tid) => [tid, signalsIn(status(pid, tid, 'SigBlk'))])),
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    umask: parseInt(status(pid, pid, 'Umask'), 8),
    coreLimit: limit.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))!.slice(1),
  };
}

/** The same from what has been kept. */
function keptOf(process: ProcessKernelState, truth: Truth): Truth {
  const limit = process.limits.get(4);
  return {
    descriptors: process.descriptors.map(({ fd, what, kind, flags, closeOnExec, offset }) => {
      if (kind === 'standard') return { fd };
      const known = kind === 'path' ? { what, offset } : { what: kind };
      return { fd, ...known, flags, closeOnExec };
    }),
    handled: process.handled,
    ignored: INHERITED.concat(process.ignored)
      .filter((signo, i, all) => truth.ignored.includes(signo) && all.lastIndexOf(signo) === i)
      .concat(process.ignored.filter((signo) => !truth.ignored.includes(signo)))
      .sort((one, other) => one - other),
    blocked: byTid(process.tasks.map(({ tid, blocked }) => [tid, blocked ?? []])),
    cwd: process.cwd,
    umask: process.umask ?? truth.umask,
    coreLimit: limit === undefined ? truth.coreLimit : limit.map(String),
  };
}

async function compareAtRest(
  t: ExecutionContext,
  command: readonly string[],
  rests: readonly string[],
  processes: number,
): Promise<void> {
  const place = workspace('at-rest');
  const log = join(place.path, 'rest.log');
  const recording = new Meddled(log, command, ['-v', '-c', place.path]);
  for (const text of rests) t.true(await recording.printed(text), recording.stderr);
  recording.child.kill('SIGUSR2');
  while (!recording.stderr.includes('bookmark 1\n') && !recording.ended) await later();
  const truths = new Map<number, Truth>();
  for (const pid of recording.processes())
    if (pid !== recording.child.pid) truths.set(pid, truthOf(pid));
  // The log is whole up to the bookmark.
  recording.child.kill('SIGKILL');
  await recording.closed;
  const state = await kernelStateAt(t, log, 1);
  t.deepEqual(state.contradictions, []);
  t.is(state.processes.length, processes);
  for (const process of state.processes) {
    const truth = truths.get(process.pid)!;
    // How those were opened that the program was started with is not in the log.
    const started = new Set(
      process.descriptors.filter(({ kind }) => kind === 'standard').map(({ fd }) => fd),
    );
    const descriptors = truth.descriptors.map((entry) =>
      started.has(entry.fd) ? { fd: entry.fd } : entry,
    );
    t.deepEqual(keptOf(process, truth), { ...truth, descriptors });
  }
  place.discard();
}

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a C program that has one of everything, its child and its thread', (t) =>
  compareAtRest(
    t,
    [compile(join(root, 'test/programs/at-rest.c'), ['-Wno-unused-result'])],
    ['thread\n', 'child\n', 'main\n'],
    2,
  ));

/** Rests in reads of a FIFO, without a program that might still be starting. `cat` has started when it prints. */
const SHELL = `umask 77; mkfifo never; exec 8<>never; cd /
exec 5</etc/passwd 6>&1; read -r x <&5; trap "echo" USR1
(trap "" INT; cd /etc; echo inner; read -r -u 8 x) | cat &
echo outer; read -r -u 8 x`;

test('a shell with redirections', (t) =>
  compareAtRest(t, ['bash', '-c', SHELL], ['outer\n', 'inner\n'], 3));
