import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import {
  EventKind,
  NativeError,
  parseMaps,
  PtraceEvent,
  Reg,
  Resume,
  type SpawnOptions,
  statFd,
  stubPath,
  Tracer,
} from '../lib/index.js';
import {
  end,
  endAll,
  environment,
  guest,
  mayFixLayout,
  register,
  runToEnd,
  runToEntry,
  setRegister,
  signedRegister,
  start,
} from './support/guest.js';

const SYS_pause = 34;
const SYS_getppid = 110;
const SIGINT = 2;
const SIGTRAP = 5;
const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGPIPE = 13;
const SIGCONT = 18;
const SIGSTOP = 19;
const PROT_READ = 1;

const tracer = new Tracer();
test.afterEach.always(() => endAll(tracer));
const dir = mkdtempSync(join(tmpdir(), 'scribe-'));
test.after.always(() => rmSync(dir, { recursive: true }));

/** A signal mask of 64 bits. */
const maskOf = (...signals: number[]): Uint8Array => {
  const bits = signals.reduce((mask, signo) => mask | (1n << BigInt(signo - 1)), 0n);
  return new Uint8Array(BigUint64Array.of(bits).buffer);
};
const support = (name: string) => fileURLToPath(new URL(`./support/${name}`, import.meta.url));
const descriptors = () => readdirSync('/proc/self/fd').length;

/** Runs a shell command to its end; returns what it wrote. */
function run(
  command: string,
  options: Partial<SpawnOptions> = {},
): { status: number; text: string } {
  const path = join(dir, 'output');
  const output = openSync(path, 'w');
  try {
    const { tid } = tracer.spawn({
      file: '/bin/sh',
      argv: ['sh', '-c', command],
      envp: environment,
      stdio: [0, output, output],
      ...options,
    });
    const status = runToEnd(tracer, tid);
    return { status, text: readFileSync(path, 'utf8') };
  } finally {
    closeSync(output);
  }
}

function throwsNative(
  t: ExecutionContext,
  attempt: () => unknown,
  code: string,
  operation?: string,
): void {
  const error = t.throws(attempt, { instanceOf: NativeError }) as NativeError | undefined;
  t.is(error?.code, code);
  if (operation !== undefined) t.is(error?.operation, operation);
}

/** Runs `pause` forever, up to its first pause. */
function paused(): number {
  const tid = start(tracer, guest('stops'), 'pause');
  runToEntry(tracer, tid, SYS_pause, Resume.Syscall);
  return tid;
}

test.serial('spawn leaves the program in its exec event-stop', (t) => {
  const { tid, missing } = tracer.spawn({
    file: '/bin/true',
    argv: ['true'],
    envp: environment,
    disableAslr: true,
  });
  // A container may refuse it.
  t.deepEqual(
    missing.filter((step) => !step.startsWith('personality: ')),
    [],
  );
  t.is(readFileSync(`/proc/${tid}/comm`, 'utf8'), 'true\n');
  t.is(readFileSync(`/proc/${tid}/cmdline`, 'utf8'), 'true\0');
  t.true(tracer.getRegs(tid));
  const rip = register(tracer, Reg.rip);
  t.true(parseMaps(tid).some(({ start, end: last }) => rip >= start && rip < last));
  t.is(runToEnd(tracer, tid), 0);
  t.is(tracer.wait(-1), EventKind.NoTracees);
});

test.serial('a program that cannot be started: the step that failed, and no process left', (t) => {
  const notExecutable = join(dir, 'not-executable');
  writeFileSync(notExecutable, '#!/bin/sh\n', { mode: 0o644 });
  const spawn = (options: Partial<SpawnOptions>) => () =>
    tracer.spawn({ file: '/bin/true', argv: ['true'], envp: [], ...options });
  throwsNative(t, spawn({ file: join(dir, 'missing') }), 'ENOENT', 'execve');
  throwsNative(t, spawn({ file: notExecutable }), 'EACCES', 'execve');
  throwsNative(t, spawn({ file: dir }), 'EACCES', 'execve');
  throwsNative(t, spawn({ cwd: join(dir, 'missing') }), 'ENOENT', 'chdir');
  throwsNative(t, spawn({ cwd: notExecutable }), 'ENOTDIR', 'chdir');
  throwsNative(t, spawn({ chroot: join(dir, 'missing') }), 'ENOENT', 'chroot');
  throwsNative(t, spawn({ stdio: [0, 1, 9999] }), 'EBADF', 'stdio');
  t.throws(spawn({ file: '/bin/true\0x' }), { instanceOf: TypeError });
  t.throws(spawn({ argv: [1 as unknown as string] }), { instanceOf: TypeError });
  t.is(tracer.wait(-1), EventKind.NoTracees);
});

test.serial('where ptrace is refused: operation ptrace', (t) => {
  // This process's children are traced already, by us, when their parent wants to.
  const { status, text } = run(`exec ${process.execPath} --import=tsx ${support('try-spawn.ts')}`, {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
  });
  t.is(status, 0);
  t.is(text, 'EPERM ptrace');
});

test.serial('the program gets arguments, environment, directory and descriptors as asked', (t) => {
  const options = { cwd: '/usr', envp: ['PATH=/bin', 'A=ä b'] };
  const { status, text } = run('echo "$A" "$(pwd)"; ls /proc/self/fd | wc -l; exit 3', options);
  t.is(status, 3 << 8);
  // 0, 1, 2 and the directory that ls reads.
  t.is(text, 'ä b /usr\n4\n');
});

test.serial('descriptors may be exchanged', (t) => {
  const path = (tid: number, fd: number) => statFd(tid, fd)?.path;
  for (const stdio of [
    [1, 2, 0],
    [2, 0, 1],
    [1, 0, 0],
  ] as const) {
    const { tid } = tracer.spawn({ file: stubPath, argv: [], envp: [], stdio });
    t.deepEqual(
      [0, 1, 2].map((fd) => path(tid, fd)),
      stdio.map((fd) => path(process.pid, fd)),
    );
    t.is(statFd(tid, 3), undefined);
    end(tracer, tid);
  }
});

test.serial('signals: default dispositions, empty mask, our process group and session', (t) => {
  const tid = start(tracer, '/bin/true');
  const status = readFileSync(`/proc/${tid}/status`, 'utf8');
  const mask = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)![1]!}`);
  // Node ignores SIGPIPE for itself.
  const own = readFileSync('/proc/self/status', 'utf8');
  t.true((BigInt(`0x${/^SigIgn:\s*(\w+)/m.exec(own)![1]!}`) & (1n << BigInt(SIGPIPE - 1))) !== 0n);
  t.is(mask('SigIgn'), 0n);
  t.is(mask('SigCgt'), 0n);
  t.is(mask('SigBlk'), 0n);
  const ids = (pid: number | string) =>
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(2, 4);
  t.deepEqual(ids(tid), ids('self'));
  end(tracer, tid);
});

test.serial('nofile sets the soft limit alone', (t) => {
  t.is(run('ulimit -Sn', { nofile: 123 }).text, '123\n');
  const hard = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
  t.is(run('ulimit -Hn', { nofile: 123 }).text, hard);
});

test.serial('disableAslr: the same addresses in every run', (t) => {
  if (!mayFixLayout(tracer)) {
    t.log('skipped: personality is refused');
    t.pass();
    return;
  }
  const maps = () => {
    const tid = start(tracer, '/bin/true');
    const text = readFileSync(`/proc/${tid}/maps`, 'utf8');
    end(tracer, tid);
    return text;
  };
  t.is(maps(), maps());
});

test.serial('newNetwork: only loopback, and it is up', (t) => {
  let outcome;
  try {
    outcome = run(
      'cat /proc/net/dev | tail -n +3 | cut -d: -f1; cat /proc/net/route | wc -l; id -u',
      {
        newNetwork: true,
      },
    );
  } catch (error) {
    t.log(`skipped: no namespaces here (${String(error)})`);
    t.pass();
    return;
  }
  t.is(outcome.text, `    lo\n1\n${process.getuid!()}\n`);
});

test.serial('newNetwork without privileges', (t) => {
  if (process.getuid!() !== 0) {
    t.log('skipped: already tested without privileges');
    t.pass();
    return;
  }
  const text = execFileSync(process.execPath, ['--import=tsx', support('spawn-network.ts')], {
    encoding: 'utf8',
    uid: 65534,
    gid: 65534,
    env: { PATH: process.env.PATH },
  });
  if (text.startsWith('unshare')) t.log(`skipped: ${text}`);
  else t.is(text, '65534 lo\n');
  t.pass();
});

test.serial('chroot', (t) => {
  if (process.getuid!() !== 0) {
    t.log('skipped: needs root');
    t.pass();
    return;
  }
  const root = join(dir, 'root');
  mkdirSync(join(root, 'inner'), { recursive: true });
  writeFileSync(join(root, 'stub'), readFileSync(stubPath), { mode: 0o755 });
  const { tid } = tracer.spawn({
    file: '/stub',
    argv: ['stub'],
    envp: [],
    chroot: root,
    cwd: '/inner',
  });
  t.true(existsSync(`/proc/${tid}/cwd`));
  const inner = readFileSync(`/proc/${tid}/maps`, 'utf8');
  t.true(inner.includes(`${root}/stub`));
  end(tracer, tid);
});

test.serial('syscall stops of echo: its write, entry and exit', (t) => {
  const path = join(dir, 'echo');
  const output = openSync(path, 'w');
  const { tid } = tracer.spawn({
    file: '/bin/echo',
    argv: ['echo', 'hello'],
    envp: environment,
    stdio: [0, output, 2],
  });
  closeSync(output);
  runToEntry(tracer, tid, 1, Resume.Syscall);
  t.is(tracer.event[0], tid);
  t.is(tracer.event[1], EventKind.Syscall);
  t.is(register(tracer, Reg.rdi), 1);
  const text = new Uint8Array(register(tracer, Reg.rdx));
  t.is(tracer.readMemory(tid, register(tracer, Reg.rsi), text, 0, text.length), 6);
  t.is(Buffer.from(text).toString(), 'hello\n');
  t.is(readFileSync(path, 'utf8'), '');
  const before = tracer.values[1]!;
  tracer.resume(tid, Resume.Syscall, 0);
  t.is(tracer.wait(-1), EventKind.Syscall);
  t.is(register(tracer, Reg.rax), 6);
  t.is(readFileSync(path, 'utf8'), 'hello\n');
  t.true(tracer.values[1]! > before);
  t.is(runToEnd(tracer, tid), 0);
});

test.serial('registers can be changed: another result, another call', (t) => {
  const tid = paused();
  // The result of the pending call, which PTRACE_SYSCALL's exit-stop lets us replace.
  setRegister(tracer, Reg.orig_rax, SYS_getppid);
  t.true(tracer.setRegs(tid));
  tracer.resume(tid, Resume.Syscall, 0);
  t.is(tracer.wait(-1), EventKind.Syscall);
  t.is(register(tracer, Reg.rax), process.pid);
  setRegister(tracer, Reg.rbx, 0x1234_5678_9abc);
  tracer.setRegs(tid);
  tracer.regs.fill(0);
  t.true(tracer.getRegs(tid));
  t.is(register(tracer, Reg.rbx), 0x1234_5678_9abc);
  end(tracer, tid);
});

test.serial('Sysemu does not run the call; Step runs one instruction', (t) => {
  const tid = start(tracer, guest('getppid'));
  tracer.resume(tid, Resume.Sysemu, 0);
  t.is(tracer.wait(-1), EventKind.Syscall);
  t.is(register(tracer, Reg.orig_rax), SYS_getppid);
  setRegister(tracer, Reg.rax, 77);
  tracer.setRegs(tid);
  const rip = register(tracer, Reg.rip);
  tracer.resume(tid, Resume.Step, 0);
  t.is(tracer.wait(-1), EventKind.Signal);
  t.is(tracer.event[2], 5);
  // The first step only leaves the system call.
  t.is(register(tracer, Reg.rip), rip);
  tracer.resume(tid, Resume.Step, 0);
  t.is(tracer.wait(-1), EventKind.Signal);
  // The jump back; rax is still what we put there.
  t.is(register(tracer, Reg.rip), rip - 7);
  t.is(register(tracer, Reg.rax), 77);
  tracer.resume(tid, Resume.SysemuStep, 0);
  t.is(tracer.wait(-1), EventKind.Signal);
  t.is(register(tracer, Reg.rax), SYS_getppid);
  tracer.resume(tid, Resume.SysemuStep, 0);
  t.is(tracer.wait(-1), EventKind.Syscall);
  end(tracer, tid);
});

test.serial('memory: read, write, poke read-only text, short at an unmapped page', (t) => {
  const tid = start(tracer, stubPath);
  tracer.getRegs(tid);
  const stack = register(tracer, Reg.rsp);
  const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  t.is(tracer.writeMemory(tid, stack - 8, bytes, 2, 6), 6);
  const read = new Uint8Array(10);
  t.is(tracer.readMemory(tid, stack - 8, read, 3, 6), 6);
  t.deepEqual([...read], [0, 0, 0, 2, 3, 4, 5, 6, 7, 0]);

  for (const keep of [false, true]) {
    if (keep) tracer.openMemory(tid);
    const text = parseMaps(tid).find(({ name }) => name === stubPath)!;
    t.is(text.prot & 2, 0);
    const value = keep ? 0xcc : 0xcd;
    t.is(tracer.writeMemory(tid, text.end - 4, Uint8Array.of(value, value, value, value), 0, 4), 4);
    const page = new Uint8Array(8192);
    t.is(tracer.readMemory(tid, text.start, page, 0, 8192), text.end - text.start);
    t.is(page[text.end - text.start - 1], value);
    t.is(tracer.writeMemory(tid, text.end - 4, page, 0, 8), 4);
    t.is(tracer.readMemory(tid, text.end, page, 0, 8), 0);
    t.is(tracer.writeMemory(tid, text.end, page, 0, 8), 0);
  }
  t.throws(() => tracer.readMemory(tid, stack, read, 5, 6), { instanceOf: RangeError });
  t.throws(() => tracer.readMemory(tid, stack, read, -1, 6), { instanceOf: RangeError });
  t.throws(
    () => tracer.readMemory(tid, stack, new Float64Array(9) as unknown as Uint8Array, 0, 6),
    {
      instanceOf: TypeError,
    },
  );
  end(tracer, tid);
});

test.serial('strings', (t) => {
  const tid = start(tracer, stubPath);
  const stack = parseMaps(tid).find(({ name }) => name === '[stack]')!;
  const text = (address: number, limit: number) =>
    Buffer.from(tracer.readString(tid, address, limit)).toString();
  const put = (address: number, value: string) =>
    tracer.writeMemory(tid, address, Buffer.from(value), 0, value.length);
  put(stack.start + 4000, `${'x'.repeat(5000)}\0yy`);
  t.is(text(stack.start + 4000, 10000), 'x'.repeat(5000));
  t.is(text(stack.start + 4000, 4500), 'x'.repeat(4500));
  t.is(text(stack.start + 9000, 10), '');
  put(stack.end - 3, 'end');
  t.is(text(stack.end - 3, 100), 'end');
  t.is(text(stack.end, 100), '');
  t.is(text(0, 100), '');
  end(tracer, tid);
});

test.serial('signal state: siginfo, mask', (t) => {
  const tid = start(tracer, guest('stops'), 'raise');
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.wait(-1), EventKind.Signal);
  t.is(tracer.event[2], SIGUSR1);
  const info = tracer.getSiginfo(tid);
  t.is(info.length, 128);
  t.is(new DataView(info.buffer).getInt32(0, true), SIGUSR1);
  // Another si_code than SI_TKILL: the guest's handler sees it and ends with 4.
  new DataView(info.buffer).setInt32(8, -1, true);
  tracer.setSiginfo(tid, info);
  const mask = Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 0x80);
  tracer.setSigmask(tid, mask);
  t.deepEqual(Buffer.from(tracer.getSigmask(tid)), Buffer.from(mask));
  tracer.setSigmask(tid, new Uint8Array(8));
  t.throws(() => tracer.setSigmask(tid, new Uint8Array(4)), { instanceOf: TypeError });
  tracer.resume(tid, Resume.Cont, SIGUSR1);
  t.is(tracer.wait(-1), EventKind.Event);
  t.is(tracer.values[0], 4 << 8);
  end(tracer, tid);
});

test.serial('signals that wait for a task, those it blocks left out', (t) => {
  for (const ofProcess of [false, true]) {
    const tid = start(tracer, guest('stops'), 'pause');
    t.false(tracer.hasWaitingSignal(tid));
    const realtime = 40;
    tracer.setSigmask(tid, maskOf(realtime));
    for (let i = 0; i < 20; i++) tracer.kill(tid, ofProcess ? 0 : tid, realtime);
    t.false(tracer.hasWaitingSignal(tid));
    tracer.kill(tid, ofProcess ? 0 : tid, SIGUSR1);
    t.true(tracer.hasWaitingSignal(tid));
    // With another mask than the task's own.
    const blocked = maskOf(SIGUSR1, realtime);
    t.false(tracer.hasWaitingSignal(tid, blocked));
    t.true(tracer.hasWaitingSignal(tid, maskOf(SIGUSR1)));
    t.true(tracer.hasWaitingSignal(tid, maskOf(realtime)));
    end(tracer, tid);
    t.false(tracer.hasWaitingSignal(tid));
  }
});

test.serial('vector state: kept, and given initial values', (t) => {
  const tid = start(tracer, guest('vector'));
  // Past the guest's first instructions: xmm0 and mxcsr are set, the x87 stack has one number.
  runToEntry(tracer, tid, SYS_getppid, Resume.Syscall);
  const dirty = tracer.getXstate(tid);
  const view = new DataView(dirty.buffer);
  t.is(view.getUint32(24, true), 0x1f00);
  t.is(view.getBigUint64(160, true), 0x1111111111111111n);
  t.is(view.getUint32(512, true) & 3, 3);

  for (const clear of ['initXstate', 'useXstate'] as const) {
    tracer.setXstate(tid, dirty);
    tracer[clear](tid);
    const clean = new DataView(tracer.getXstate(tid).buffer);
    t.is(clean.getUint16(0, true), 0x37f);
    t.is(clean.getUint32(24, true), 0x1f80);
    t.is(clean.getBigUint64(160, true), 0n);
    t.is(clean.getUint32(512, true) & 3, 3);
  }
  // The guest asks the processor itself: mxcsr, and which components are in use. Its exit status is 16 times the SSE and
  // x87 bits of XINUSE, plus 1 if mxcsr is 0x1f80.
  tracer.setXstate(tid, dirty);
  t.deepEqual(Buffer.from(tracer.getXstate(tid)), Buffer.from(dirty));
  tracer.initXstate(tid);
  const status = runToEnd(tracer, tid) >> 8;
  t.is(status & 15, 1);
  // Whether it counts initial values as in use is the processor's affair.
  t.log(`x87 and SSE in use: ${status >> 4}`);
  throwsNative(t, () => tracer.getXstate(tid), 'ESRCH');
});

test.serial('group-stop: listen until SIGCONT', (t) => {
  const tid = paused();
  tracer.kill(tid, tid, SIGSTOP);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.wait(-1), EventKind.Signal);
  t.is(tracer.event[2], SIGSTOP);
  tracer.resume(tid, Resume.Cont, SIGSTOP);
  t.is(tracer.wait(-1), EventKind.GroupStop);
  t.is(tracer.event[2], SIGSTOP);
  t.true(tracer.resume(tid, Resume.Listen, 0));
  t.is(tracer.wait(20), EventKind.None);
  tracer.kill(tid, 0, SIGCONT);
  t.is(tracer.wait(-1), EventKind.InterruptStop);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.wait(-1), EventKind.Signal);
  t.is(tracer.event[2], SIGCONT);
  end(tracer, tid);
});

test.serial('children and threads are traced from their first instruction', (t) => {
  const tid = start(tracer, '/bin/sh', '-c', '/bin/true; /bin/true');
  const events: number[] = [];
  const ended: number[] = [];
  tracer.resume(tid, Resume.Cont, 0);
  for (let kind; (kind = tracer.wait(-1)) !== EventKind.NoTracees;) {
    const [stopped, , detail] = tracer.event as unknown as [number, number, number];
    if (kind === EventKind.Exited) {
      ended.push(stopped);
      continue;
    }
    if (kind === EventKind.Event) {
      events.push(detail);
      if (detail === PtraceEvent.Fork || detail === PtraceEvent.Vfork)
        t.true(tracer.values[0]! > 0);
    }
    tracer.resume(stopped, Resume.Cont, kind === EventKind.Signal ? detail : 0);
  }
  t.is(ended.length, 3);
  t.is(ended.at(-1), tid);
  t.is(events.filter((event) => event === PtraceEvent.Exit).length, 3);
  t.is(events.filter((event) => event === PtraceEvent.Exec).length, 2);
  t.is(
    events.filter((event) => event === PtraceEvent.Vfork || event === PtraceEvent.Fork).length,
    2,
  );
});

test.serial(
  'a wait for a leader that was sent past its exit event ends, though a thread lives on',
  (t) => {
    const tid = start(tracer, guest('thread-exec'), '/bin/true');
    tracer.resume(tid, Resume.Cont, 0);
    while (tracer.wait(-1) !== EventKind.Event || tracer.event[2] !== PtraceEvent.Clone);
    const thread = tracer.values[0]!;
    tracer.kill(0, tid, SIGKILL);
    const isAtExit = () => {
      try {
        const code = Buffer.from(tracer.getSiginfo(tid)).readInt32LE(8);
        return code === (SIGTRAP | (PtraceEvent.Exit << 8));
      } catch {
        return false; // between the two stops
      }
    };
    while (!isAtExit());
    // As if still from the clone event, that of its exit unseen.
    tracer.resume(tid, Resume.Cont, 0);
    t.is(tracer.waitFor(tid), EventKind.Zombie);
    t.deepEqual([tracer.event[0], tracer.event[3]], [tid, SIGKILL]);
    while (tracer.waitFor(thread) !== EventKind.Exited) tracer.resume(thread, Resume.Cont, 0);
    t.is(tracer.waitFor(tid), EventKind.Exited);
    t.is(tracer.event[3], SIGKILL);
  },
);

test.serial("an exec from a thread that isn't the leader: its tid becomes the leader's", (t) => {
  const tid = start(tracer, guest('thread-exec'), '/bin/true');
  let thread = 0;
  let former = 0;
  tracer.resume(tid, Resume.Cont, 0);
  for (let kind; (kind = tracer.wait(-1)) !== EventKind.NoTracees;) {
    const [stopped, , detail] = tracer.event as unknown as [number, number, number];
    if (kind === EventKind.Event && detail === PtraceEvent.Clone) {
      thread = tracer.values[0]!;
      tracer.openMemory(tid);
    }
    if (kind === EventKind.Event && detail === PtraceEvent.Exec) {
      t.is(stopped, tid);
      former = tracer.values[0]!;
    }
    if (kind === EventKind.Exited) t.is(stopped, tid);
    else tracer.resume(stopped, Resume.Cont, kind === EventKind.Signal ? detail : 0);
  }
  t.true(thread > 0);
  t.is(former, thread);
  t.is(tracer.event[3], 0);
});

test.serial('a detached task runs on by itself', (t) => {
  const path = join(dir, 'detached');
  const output = openSync(path, 'w');
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { tid } = tracer.spawn({
    file: '/bin/sh',
    argv: ['sh', '-c', `echo alive; echo done > ${fifo}`],
    envp: environment,
    stdio: [0, output, 2],
  });
  closeSync(output);
  t.true(tracer.detach(tid, 0));
  // Opening waits for the writer.
  t.is(readFileSync(fifo, 'utf8'), 'done\n');
  t.is(readFileSync(path, 'utf8'), 'alive\n');
  // It's still our child.
  t.is(tracer.wait(-1), EventKind.Exited);
  t.false(tracer.detach(tid, 0));
});

test.serial('interruptTask stops a task that waits in the kernel', (t) => {
  const tid = paused();
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.wait(10), EventKind.None);
  t.true(tracer.interruptTask(tid));
  t.is(tracer.wait(-1), EventKind.InterruptStop);
  t.is(signedRegister(tracer, Reg.rax), -514);
  end(tracer, tid);
  t.false(tracer.interruptTask(tid));
});

test.serial('a task killed while stopped: calls say so, its end is reported', (t) => {
  const tid = paused();
  t.true(tracer.kill(tid, 0, 9));
  // It leaves its stop by itself, for its Exit event.
  for (;;) {
    const kind = tracer.wait(-1);
    if (kind === EventKind.Exited) break;
    t.is(kind, EventKind.Event);
    t.is(tracer.event[2], PtraceEvent.Exit);
    tracer.resume(tid, Resume.Cont, 0);
  }
  t.is(tracer.event[0], tid);
  t.is(tracer.event[3], 9);
  t.false(tracer.resume(tid, Resume.Cont, 0));
  t.false(tracer.getRegs(tid));
  t.false(tracer.setRegs(tid));
  t.false(tracer.kill(tid, 0, 9));
  t.false(tracer.kill(tid, tid, SIGINT));
  const byte = new Uint8Array(1);
  throwsNative(t, () => tracer.readMemory(tid, 4096, byte, 0, 1), 'ESRCH');
  throwsNative(t, () => tracer.writeMemory(tid, 4096, byte, 0, 1), 'ESRCH');
  throwsNative(t, () => tracer.readString(tid, 4096, 1), 'ESRCH');
  throwsNative(t, () => tracer.openMemory(tid), 'ESRCH');
  throwsNative(t, () => tracer.getSiginfo(tid), 'ESRCH');
  throwsNative(t, () => tracer.initXstate(tid), 'ESRCH');
  t.false(tracer.useXstate(tid));
  t.is(tracer.wait(-1), EventKind.NoTracees);
  t.is(tracer.event[1], EventKind.NoTracees);
});

test.serial('calls on a running task say that it is not stopped', (t) => {
  const tid = paused();
  tracer.resume(tid, Resume.Cont, 0);
  // ptrace can't tell a running task from a dead one.
  t.false(tracer.getRegs(tid));
  t.false(tracer.resume(tid, Resume.Cont, 0));
  end(tracer, tid);
});

test.serial('a kept memory file is of no more use after an exec', (t) => {
  const path = join(dir, 'exec-output');
  const output = openSync(path, 'w');
  const { tid } = tracer.spawn({
    file: '/bin/sh',
    argv: ['sh', '-c', `exec ${stubPath}`],
    envp: environment,
    stdio: [0, output, 2],
  });
  closeSync(output);
  tracer.openMemory(tid);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.wait(-1), EventKind.Event);
  t.is(tracer.event[2], PtraceEvent.Exec);
  // Read-only text is written through the file: a stale one would write into the old program's remains.
  const text = parseMaps(tid).find(
    ({ name, prot }) => name === stubPath && (prot & PROT_READ) !== 0,
  )!;
  t.is(tracer.writeMemory(tid, text.start, Uint8Array.of(1, 2, 3), 0, 3), 3);
  const read = new Uint8Array(3);
  tracer.readMemory(tid, text.start, read, 0, 3);
  t.deepEqual([...read], [1, 2, 3]);
  end(tracer, tid);
});

test.serial('1,000 programs started and killed leave no descriptor and no process', (t) => {
  const before = descriptors();
  for (let i = 0; i < 1000; i++) {
    const tid = start(tracer, stubPath);
    if (i % 2 === 0) tracer.openMemory(tid);
    if (i % 3 === 0) tracer.hashMemory(tid, 0, 0, 0);
    end(tracer, tid);
  }
  // Descriptors of Node's own come and go.
  t.true(descriptors() < before + 100);
  t.is(tracer.wait(-1), EventKind.NoTracees);
});
