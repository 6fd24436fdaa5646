import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventKind, gettid, PtraceEvent, Reg, Resume, type Tracer } from '../../lib/index.js';

const testDir = dirname(dirname(fileURLToPath(import.meta.url)));
const outDir = join(dirname(testDir), 'build', 'test-guests');

/** Compiles test/guests/NAME.c if need be (a first line "cflags: …" adds options); returns the program's path. */
export function guest(name: string): string {
  const source = join(testDir, 'guests', `${name}.c`);
  const program = join(outDir, name);
  if ((statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0) < statSync(source).mtimeMs) {
    mkdirSync(outDir, { recursive: true });
    // Test files run in parallel: nobody may see a half-written program.
    const partial = `${program}.${process.pid}`;
    const own =
      /^\/\* cflags: (.*) \*\/\n/.exec(readFileSync(source, 'utf8'))?.[1]?.split(' ') ?? [];
    const flags = ['-O1', '-Wall', '-Wextra', '-static', '-pthread', ...own];
    execFileSync('gcc', [...flags, '-o', partial, source]);
    renameSync(partial, program);
  }
  return program;
}

export const environment: readonly string[] = ['PATH=/usr/bin:/bin', 'LC_ALL=C'];

/** True if address space layout randomisation can be switched off here: containers often refuse that. */
export function mayFixLayout(tracer: Tracer): boolean {
  const { tid, missing } = tracer.spawn({
    file: '/bin/true',
    argv: ['true'],
    envp: environment,
    disableAslr: true,
  });
  end(tracer, tid);
  return missing.length === 0;
}

/** Spawns with ASLR off; the task is left in its exec's event-stop. */
export function start(tracer: Tracer, file: string, ...args: string[]): number {
  const { tid } = tracer.spawn({
    file,
    argv: [file, ...args],
    envp: environment,
    disableAslr: true,
  });
  return tid;
}

/** A register of `tracer.regs` as an unsigned number (exact below 2^53). */
export function register(tracer: Tracer, reg: Reg): number {
  return tracer.regs[2 * reg + 1]! * 0x1_0000_0000 + tracer.regs[2 * reg]!;
}

/** A register of `tracer.regs` as a signed number (exact within 53 bits). */
export function signedRegister(tracer: Tracer, reg: Reg): number {
  return (tracer.regs[2 * reg + 1]! | 0) * 0x1_0000_0000 + tracer.regs[2 * reg]!;
}

export function setRegister(tracer: Tracer, reg: Reg, value: number): void {
  tracer.regs[2 * reg] = value >>> 0;
  tracer.regs[2 * reg + 1] = Math.floor(value / 0x1_0000_0000) >>> 0;
}

/** Lets a task run to its end, its signals delivered; returns the wait status. */
export function runToEnd(tracer: Tracer, tid: number): number {
  tracer.resume(tid, Resume.Cont, 0);
  for (;;) {
    const kind = tracer.wait(-1);
    if (kind === EventKind.NoTracees) throw new Error('the task vanished');
    const stopped = tracer.event[0]!;
    if (kind === EventKind.Exited) {
      if (stopped === tid) return tracer.event[3]!;
    } else {
      tracer.resume(stopped, Resume.Cont, kind === EventKind.Signal ? tracer.event[2]! : 0);
    }
  }
}

/** Kills a tracee and waits until it's reaped. */
export function end(tracer: Tracer, tid: number): void {
  tracer.kill(tid, 0, 9);
  // SIGKILL doesn't wake a task from its Exit event-stop.
  tracer.resume(tid, Resume.Cont, 0);
  while (tracer.waitFor(tid) !== EventKind.NoTracees) tracer.resume(tid, Resume.Cont, 0);
}

/** CPU time of this process, ms: what something costs, whatever else the machine does. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs a task by `how` to the entry of its next system call numbered `nr`. */
export function runToEntry(tracer: Tracer, tid: number, nr: number, how: Resume): void {
  for (let atEntry = false; ;) {
    tracer.resume(tid, how, 0);
    const kind = tracer.waitFor(tid);
    if (kind === EventKind.Event && tracer.event[2] === PtraceEvent.Exit) throw new Error('exited');
    if (kind !== EventKind.Syscall) continue;
    // The exec's own exit-stop comes first; entries have rax -ENOSYS.
    atEntry = !atEntry && signedRegister(tracer, Reg.rax) === -38;
    if (atEntry && register(tracer, Reg.orig_rax) === nr) return;
  }
}

/** Kills what a failed test has left, so that the next one finds no tracees. */
export function endAll(tracer: Tracer): void {
  const children = readFileSync(`/proc/self/task/${gettid()}/children`, 'latin1');
  for (const tid of children.split(' ').map(Number)) {
    if (tid === 0) continue;
    tracer.kill(tid, 0, 9);
    tracer.resume(tid, Resume.Cont, 0);
  }
  for (let kind; (kind = tracer.wait(60_000)) !== EventKind.NoTracees;) {
    if (kind === EventKind.None) throw new Error('a tracee does not end');
    tracer.resume(tracer.event[0]!, Resume.Cont, 0);
  }
}
