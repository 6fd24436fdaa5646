import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  callByTraps,
  EventKind,
  mapReserved,
  NativeError,
  PtraceEvent,
  Reg,
  REMOTE_SCRATCH,
  REMOTE_SYSCALL,
  Resume,
  stubPath,
  Tracer,
} from '../lib/index.js';
import {
  end,
  endAll,
  environment,
  guest,
  register,
  runToEnd,
  runToEntry,
  signedRegister,
  start,
} from './support/guest.js';

const SYS_read = 0;
const SYS_open = 2;
const SYS_close = 3;
const SYS_mmap = 9;
const SYS_munmap = 11;
const SYS_pause = 34;
const SYS_getpid = 39;

const SYS_getppid = 110;
const SYS_gettid = 186;
const SYS_tkill = 200;
const SYS_clock_nanosleep = 230;
const SIGTRAP = 5;
const SIGUSR1 = 10;
const SIGSTOP = 19;
const SIGCONT = 18;
const exitStatus = (code: number) => code << 8;

let tracer = new Tracer();
test.afterEach.always(() => {
  endAll(tracer);
  // Each test begins with calls that stop twice.
  tracer = new Tracer();
});

function regsOf(tid: number): Buffer {
  tracer.getRegs(tid);
  return Buffer.from(tracer.regsBytes);
}

/** The address of a `syscall` instruction: behind the call the task has last made. */
function syscallInsn(): number {
  return register(tracer, Reg.rip) - 2;
}

function status(tid: number, field: string): string {
  const line = readFileSync(`/proc/${tid}/status`, 'utf8').match(
    new RegExp(`^${field}:\\s*(.*)$`, 'm'),
  );
  return line![1]!;
}

/** Makes some calls remotely, one by one and together; registers, mask and pending signals must be as before. */
function checkRemote(t: ExecutionContext, tid: number, insn: number): void {
  const regs = regsOf(tid);
  const mask = Buffer.from(tracer.getSigmask(tid));
  const pending = status(tid, 'SigPnd');
  t.is(tracer.remoteSyscall(tid, insn, SYS_getpid, []), tid);
  t.is(tracer.remoteSyscall(tid, insn, SYS_gettid, []), tid);
  t.is(
    tracer.remoteSyscall(tid, insn, SYS_mmap, [0x5000_0000, 4096, 3, 0x100022, -1n, 0]),
    0x5000_0000,
  );
  t.is(tracer.remoteSyscall(tid, insn, SYS_mmap, [0x5000_0000, 4096, 3, 0x100022, -1, 0]), -17);
  t.is(tracer.remoteSyscall(tid, insn, SYS_munmap, [0x5000_0000, 4096]), 0);
  t.deepEqual(
    tracer.remoteSyscalls(tid, insn, [
      [SYS_getpid],
      [SYS_mmap, 0x5000_0000, 4096, 3, 0x100022, -1n, 0],
      // It is there: the next one is made all the same.
      [SYS_mmap, 0x5000_0000, 4096, 3, 0x100022, -1, 0],
      [SYS_munmap, 0x5000_0000, 4096],
    ]),
    [tid, 0x5000_0000, -17, 0],
  );
  t.deepEqual(tracer.remoteSyscalls(tid, insn, []), []);
  t.deepEqual(regsOf(tid), regs);
  t.deepEqual(Buffer.from(tracer.getSigmask(tid)), mask);
  t.is(status(tid, 'SigPnd'), pending);
}

test.serial('from the exec event-stop: finishes the execve first', (t) => {
  const tid = start(tracer, stubPath);
  tracer.getRegs(tid);
  const entry = register(tracer, Reg.rip);
  t.is(tracer.remoteSyscall(tid, entry, SYS_getpid, []), tid);
  tracer.getRegs(tid);
  t.is(register(tracer, Reg.rip), entry);
  t.is(register(tracer, Reg.rax), 0);
  checkRemote(t, tid, entry);
  // The next stop is the entry of the stub's own system call.
  tracer.resume(tid, Resume.Syscall, 0);
  t.is(tracer.waitFor(tid), EventKind.Syscall);
  t.is(register(tracer, Reg.rip), entry + 2);
  t.is(register(tracer, Reg.orig_rax), SYS_read);
  end(tracer, tid);
});

test.serial('from a syscall-exit-stop', (t) => {
  const tid = start(tracer, guest('stops'), 'ignore-trap');
  runToEntry(tracer, tid, SYS_getppid, Resume.Syscall);
  tracer.resume(tid, Resume.Syscall, 0);
  t.is(tracer.waitFor(tid), EventKind.Syscall);
  t.is(register(tracer, Reg.rax), process.pid);
  checkRemote(t, tid, syscallInsn());
  // A tracee that ignores SIGTRAP still does afterwards.
  t.is(runToEnd(tracer, tid), exitStatus(5));
});

test.serial('from a PTRACE_SYSEMU entry-stop', (t) => {
  const tid = start(tracer, guest('stops'), 'ignore-trap');
  runToEntry(tracer, tid, SYS_getppid, Resume.Syscall);
  // Its exit, then emulate the next call, whatever it is.
  tracer.resume(tid, Resume.Syscall, 0);
  tracer.waitFor(tid);
  tracer.resume(tid, Resume.Sysemu, 0);
  t.is(tracer.waitFor(tid), EventKind.Syscall);
  const nr = register(tracer, Reg.orig_rax);
  t.is(signedRegister(tracer, Reg.rax), -38);
  checkRemote(t, tid, syscallInsn());
  // The call wasn't run: have it run after all.
  tracer.getRegs(tid);
  const rip = register(tracer, Reg.rip);
  tracer.regs[2 * Reg.rip] = (rip - 2) >>> 0;
  tracer.regs[2 * Reg.rax] = nr;
  tracer.regs[2 * Reg.rax + 1] = 0;
  tracer.setRegs(tid);
  t.is(runToEnd(tracer, tid), exitStatus(5));
});

test.serial('from a PTRACE_SYSCALL entry-stop: the pending call is dropped', (t) => {
  const tid = start(tracer, guest('stops'), 'raise');
  runToEntry(tracer, tid, SYS_tkill, Resume.Syscall);
  checkRemote(t, tid, syscallInsn());
  // No signal was sent, so no handler ran.
  t.is(runToEnd(tracer, tid), exitStatus(4));
});

test.serial('from a signal-delivery-stop: the same stop again', (t) => {
  const tid = start(tracer, guest('stops'), 'raise');
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.Signal);
  t.is(tracer.event[2], SIGUSR1);
  const info = Buffer.from(tracer.getSiginfo(tid));
  checkRemote(t, tid, syscallInsn());
  t.deepEqual(Buffer.from(tracer.getSiginfo(tid)), info);
  tracer.resume(tid, Resume.Cont, SIGUSR1);
  t.is(tracer.waitFor(tid), EventKind.Event);
  t.is(tracer.event[2], PtraceEvent.Exit);
  // The handler ran once, with the siginfo of the first sending.
  t.is(tracer.values[0], exitStatus(3));
  end(tracer, tid);
});

test.serial('an interrupted call is restarted: PTRACE_INTERRUPT in nanosleep', (t) => {
  const tid = start(tracer, guest('stops'), 'sleep');
  runToEntry(tracer, tid, SYS_clock_nanosleep, Resume.Syscall);
  const insn = syscallInsn();
  tracer.resume(tid, Resume.Cont, 0);
  tracer.interruptTask(tid);
  t.is(tracer.waitFor(tid), EventKind.InterruptStop);
  t.is(signedRegister(tracer, Reg.rax), -516);
  checkRemote(t, tid, insn);
  t.is(runToEnd(tracer, tid), exitStatus(7));
});

test.serial('an interrupted call is restarted: a signal during a read from a pipe', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'scribe-'));
  const path = join(dir, 'fifo');
  execFileSync('mkfifo', [path]);
  const fifo = openSync(path, 'r+');
  const file = guest('stops');
  const stdio = [fifo, 1, 2] as const;
  const { tid } = tracer.spawn({ file, argv: [file, 'read'], envp: environment, stdio });
  runToEntry(tracer, tid, SYS_read, Resume.Syscall);
  const insn = syscallInsn();
  tracer.kill(tid, tid, SIGUSR1);
  tracer.resume(tid, Resume.Syscall, 0);
  // At the exit-stop with -ERESTARTSYS, and at the signal's stop.
  t.is(tracer.waitFor(tid), EventKind.Syscall);
  t.is(signedRegister(tracer, Reg.rax), -512);
  checkRemote(t, tid, insn);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.Signal);
  t.is(tracer.event[2], SIGUSR1);
  checkRemote(t, tid, insn);
  writeSync(fifo, 'x');
  tracer.resume(tid, Resume.Cont, SIGUSR1);
  t.is(tracer.waitFor(tid), EventKind.Event);
  // 10 + handled: one handler, and the read went on to its byte.
  t.is(tracer.values[0], exitStatus(11));
  end(tracer, tid);
  closeSync(fifo);
  rmSync(dir, { recursive: true });
});

/** A task with a page for calls that end in a trap, at the entry of a call. */
function startWithTraps(mode: string, nr: number): number {
  const tid = start(tracer, guest('stops'), mode);
  runToEntry(tracer, tid, nr, Resume.Syscall);
  mapReserved(tracer, tid, syscallInsn());
  tracer.getRegs(tid);
  return tid;
}

for (const way of ['one by one', 'by traps']) {
  test.serial(`calls that use what others return, ${way}`, (t) => {
    const tid = startWithTraps('pause', SYS_pause);
    if (way === 'by traps') callByTraps(tracer);
    const name = Buffer.from('/dev/zero\0');
    tracer.writeMemory(tid, REMOTE_SCRATCH, name, 0, name.length);
    const page = 0x5100_0000;
    const calls = [
      [SYS_open, REMOTE_SCRATCH, 2, 0],
      [SYS_mmap, page, 4096, 3, 0x12, -1, 0],
      [SYS_mmap, page + 4096, 4096, 3, 0x12, -1, 0],
      [SYS_close, -1],
      [SYS_close, -1],
      [SYS_getpid],
    ];
    const links = [1, 4, 0, 2, 4, 0, 3, 0, 0, 4, 0, 0];
    const [fd, ...results] = tracer.remoteSyscalls(tid, REMOTE_SYSCALL, calls, links);
    t.true(fd! > 2);
    t.deepEqual(results, [page, page + 4096, 0, -9, tid]);
    t.is(status(tid, 'SigPnd'), '0000000000000000');
    t.is(tracer.getSiginfo(tid)[0], 5);
    t.throws(() => tracer.remoteSyscalls(tid, REMOTE_SYSCALL, calls, [0, 0, 1]), {
      instanceOf: TypeError,
    });
    checkRemote(t, tid, REMOTE_SYSCALL);
    end(tracer, tid);
  });
}

test.serial('by traps, more calls than the table has room for', (t) => {
  const tid = startWithTraps('pause', SYS_pause);
  callByTraps(tracer);
  const calls = Array.from({ length: 200 }, () => [SYS_getpid]);
  t.deepEqual(
    tracer.remoteSyscalls(tid, REMOTE_SYSCALL, calls),
    calls.map(() => tid),
  );
  end(tracer, tid);
});

test.serial('by traps, from stops of all kinds', (t) => {
  const tid = startWithTraps('raise', SYS_tkill);
  callByTraps(tracer);
  const insn = syscallInsn();
  // The entry-stop has been left for good: the call is made after all.
  tracer.getRegs(tid);
  tracer.regs[2 * Reg.rip] = insn;
  tracer.regs[2 * Reg.rax] = SYS_tkill;
  tracer.regs[2 * Reg.rax + 1] = 0;
  tracer.setRegs(tid);
  // A trap that somebody sends waits for its turn.
  tracer.kill(tid, tid, SIGTRAP);
  checkRemote(t, tid, REMOTE_SYSCALL);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.Signal);
  t.is(tracer.event[2], SIGTRAP);
  checkRemote(t, tid, REMOTE_SYSCALL);
  t.is(tracer.getSiginfo(tid)[0], SIGTRAP);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.Signal);
  t.is(tracer.event[2], SIGUSR1);
  const info = Buffer.from(tracer.getSiginfo(tid));
  checkRemote(t, tid, REMOTE_SYSCALL);
  t.deepEqual(Buffer.from(tracer.getSiginfo(tid)), info);
  tracer.resume(tid, Resume.Cont, SIGUSR1);
  t.is(tracer.waitFor(tid), EventKind.Event);
  t.is(tracer.values[0], exitStatus(3));
  end(tracer, tid);
});

test.serial('by traps, an interrupted call is restarted', (t) => {
  const tid = startWithTraps('sleep', SYS_clock_nanosleep);
  callByTraps(tracer);
  tracer.regs[2 * Reg.rip] = register(tracer, Reg.rip) - 2;
  tracer.regs[2 * Reg.rax] = SYS_clock_nanosleep;
  tracer.regs[2 * Reg.rax + 1] = 0;
  tracer.setRegs(tid);
  tracer.resume(tid, Resume.Syscall, 0);
  t.is(tracer.waitFor(tid), EventKind.Syscall);
  tracer.resume(tid, Resume.Cont, 0);
  tracer.interruptTask(tid);
  t.is(tracer.waitFor(tid), EventKind.InterruptStop);
  t.is(signedRegister(tracer, Reg.rax), -516);
  checkRemote(t, tid, REMOTE_SYSCALL);
  t.is(runToEnd(tracer, tid), exitStatus(7));
});

test.serial('a SIGSTOP that comes in between takes effect afterwards', (t) => {
  const tid = start(tracer, guest('stops'), 'pause');
  runToEntry(tracer, tid, SYS_pause, Resume.Syscall);
  const regs = regsOf(tid);
  tracer.kill(tid, tid, SIGSTOP);
  t.is(tracer.remoteSyscall(tid, syscallInsn(), SYS_gettid, []), tid);
  t.deepEqual(regsOf(tid), regs);
  t.is(status(tid, 'SigPnd'), '0000000000000000');
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.GroupStop);
  t.is(tracer.event[2], SIGSTOP);
  // No signal-delivery-stop has told who sent it.
  const sent = new DataView(tracer.takeStop(tid)!.buffer);
  t.deepEqual([sent.getInt32(0, true), sent.getInt32(16, true)], [SIGSTOP, process.pid]);
  t.is(tracer.takeStop(tid), undefined);
  // From the group-stop too; it stays one.
  t.is(tracer.event[2], SIGSTOP);
  checkRemote(t, tid, syscallInsn());
  t.is(tracer.getSiginfo(tid)[0], SIGSTOP);
  end(tracer, tid);
});

test.serial('a SIGCONT that comes after a SIGSTOP undoes it', (t) => {
  const tid = start(tracer, guest('stops'), 'pause');
  runToEntry(tracer, tid, SYS_pause, Resume.Syscall);
  const insn = syscallInsn();
  tracer.kill(tid, tid, SIGSTOP);
  t.is(tracer.remoteSyscall(tid, insn, SYS_gettid, []), tid);
  tracer.kill(tid, tid, SIGCONT);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.InterruptStop);
  t.is(tracer.takeStop(tid)?.[0], SIGSTOP);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.Signal);
  t.is(tracer.event[2], SIGCONT);
  // Nor does a remote call at the stop for it undo a stop that was sent later.
  tracer.kill(tid, tid, SIGSTOP);
  t.is(tracer.remoteSyscall(tid, insn, SYS_gettid, []), tid);
  t.is(tracer.getSiginfo(tid)[0], SIGCONT);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.GroupStop);
  end(tracer, tid);
});

test.serial('the page with the instruction may unmap itself', (t) => {
  const tid = start(tracer, stubPath);
  tracer.getRegs(tid);
  const entry = register(tracer, Reg.rip);
  const page = 0x5000_0000;
  t.is(tracer.remoteSyscall(tid, entry, SYS_mmap, [page, 4096, 5, 0x100022, -1, 0]), page);
  tracer.writeMemory(tid, page, Uint8Array.of(0x0f, 0x05, 0xcc), 0, 3);
  t.is(tracer.remoteSyscall(tid, page, SYS_gettid, []), tid);
  t.is(tracer.remoteSyscall(tid, page, SYS_munmap, [page, 4096]), 0);
  t.is(tracer.remoteSyscall(tid, entry, SYS_munmap, [page, 4096]), 0);
  tracer.getRegs(tid);
  t.is(register(tracer, Reg.rip), entry);
});

test.serial('no syscall instruction there, or nothing at all: EFAULT', (t) => {
  const tid = start(tracer, stubPath);
  tracer.getRegs(tid);
  const entry = register(tracer, Reg.rip);
  tracer.remoteSyscall(tid, entry, SYS_getpid, []);
  const regs = regsOf(tid);
  for (const insn of [entry + 2, entry + 3, 4096]) {
    const attempt = () => tracer.remoteSyscall(tid, insn, SYS_getpid, []);
    t.is((t.throws(attempt, { instanceOf: NativeError }) as NativeError).code, 'EFAULT');
    t.deepEqual(regsOf(tid), regs);
  }
  t.is(tracer.remoteSyscall(tid, entry, SYS_getpid, []), tid);
  end(tracer, tid);
});

for (const byTraps of [false, true])
  test.serial(`among signals of all kinds${byTraps ? ', by traps' : ''}`, (t) => {
    const seed = Date.now() >>> 0;
    t.log(`seed ${seed}`);
    let state = seed;
    const next = (limit: number) =>
      Math.floor(((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * limit);
    const tid = startWithTraps('pause', SYS_pause);
    if (byTraps) callByTraps(tracer);
    const insn = REMOTE_SYSCALL;
    const regs = regsOf(tid);
    const mask = Buffer.from(tracer.getSigmask(tid));
    const signals = [SIGUSR1, SIGSTOP, SIGTRAP, 18, 12, 34, 40];
    let stops = 0;
    for (let i = 0; i < 2000; i++) {
      const action = next(signals.length + 2);
      if (action < signals.length) tracer.kill(tid, tid, signals[action]!);
      else if (action === signals.length) tracer.interruptTask(tid);
      const [one, other] = tracer.remoteSyscalls(tid, insn, [[SYS_gettid], [SYS_getpid]]);
      if (one !== tid || other !== tid) return t.fail();
      stops++;
    }
    t.is(stops, 2000);
    t.deepEqual(regsOf(tid), regs);
    t.deepEqual(Buffer.from(tracer.getSigmask(tid)), mask);
    // What was sent is still to come, and nothing has killed or continued the task.
    tracer.resume(tid, Resume.Cont, 0);
    const seen = new Set<number>();
    for (let kind; (kind = tracer.wait(200)) !== EventKind.None;) {
      t.not(kind, EventKind.Exited);
      if (kind === EventKind.Signal) seen.add(tracer.event[2]!);
      tracer.resume(tid, Resume.Cont, 0);
    }
    for (const signal of [SIGUSR1, SIGTRAP, 12, 34, 40])
      t.true(seen.has(signal), `signal ${signal}`);
  });

test.serial('from a PTRACE_EVENT_EXIT stop: ESRCH', (t) => {
  const tid = start(tracer, stubPath);
  tracer.getRegs(tid);
  const entry = register(tracer, Reg.rip);
  tracer.resume(tid, Resume.Cont, 0);
  t.is(tracer.waitFor(tid), EventKind.Signal);
  tracer.resume(tid, Resume.Cont, 5);
  t.is(tracer.waitFor(tid), EventKind.Event);
  t.is(tracer.event[2], PtraceEvent.Exit);
  const error = t.throws(() => tracer.remoteSyscall(tid, entry, SYS_getpid, []), {
    instanceOf: NativeError,
  });
  t.is((error as NativeError).code, 'ESRCH');
  end(tracer, tid);
});

test.serial('a killed task: ESRCH, and its end is still reported', (t) => {
  const tid = start(tracer, stubPath);
  tracer.getRegs(tid);
  const entry = register(tracer, Reg.rip);
  tracer.kill(tid, 0, 9);
  const error = t.throws(() => tracer.remoteSyscall(tid, entry, SYS_getpid, []), {
    instanceOf: NativeError,
  });
  t.is((error as NativeError).code, 'ESRCH');
  let kind = tracer.wait(-1);
  if (kind === EventKind.Event) {
    t.is(tracer.event[2], PtraceEvent.Exit);
    tracer.resume(tid, Resume.Cont, 0);
    kind = tracer.wait(-1);
  }
  t.is(kind, EventKind.Exited);
  t.is(tracer.event[3], 9);
  t.is(tracer.wait(-1), EventKind.NoTracees);
});
