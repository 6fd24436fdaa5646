import { readlinkSync, statSync } from 'node:fs';
import {
  callByTraps,
  MapFlag,
  mapReservedAndTrap,
  PAGE_SIZE,
  parseMaps,
  type ProcMapping,
  Prot,
  readTaskFile,
  Reg,
  REMOTE_SYSCALL,
  RESERVED_END,
  RESERVED_START,
  Resume,
  Signal,
  Sys,
  trapTsc,
} from '@scribe-ts/core-native';
import { contentPath, type Mapping, type MemoryWrite } from '@scribe-ts/tracelog';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

const AT_NULL = 0;
const AT_IGNORE = 1;
const AT_SYSINFO_EHDR = 33;
/** Stands for an unlimited stack, bytes. */
const MAX_STACK = 0x40000000;
const USER_CS_32 = 0x23;

/**
 * Makes a fresh address space fit for recording, before its first instruction, and writes the `image` frame from which
 * replay builds the same: the vDSO goes (time must not be read unrecorded), rdtsc and cpuid trap, and the page for
 * remote calls is mapped.
 */
export function captureImage(session: Session, task: Task): void {
  const { tracer, regs } = session;
  const { tid } = task;
  tracer.openMemory(tid);
  tracer.getRegs(tid);
  if ((regs.int(Reg.cs) & 0xffff) === USER_CS_32) {
    session.note(task, 'a 32-bit program was started, which is not supported: it was killed');
    tracer.kill(task.pid, tid, 9);
    tracer.resume(tid, Resume.Cont, 0);
    return;
  }
  const initial = parseMaps(tid);
  const kernelPages = initial.filter(isKernelPage);
  // A program that has just begun has no handlers.
  callByTraps(tracer, task.handlers.handler[Signal.SIGTRAP] === 0);
  try {
    prepare(session, task, kernelPages);
  } finally {
    callByTraps(tracer, false);
  }
  const brk = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.brk, [0]);
  hideVdso(session, task);
  const writes: MemoryWrite[] = [];
  const mappings: Mapping[] = [];
  const hashes = new Map<string, string>();
  // Still good: what has changed since lies in the reserved range, or is the vDSO's.
  for (const mapping of initial) {
    if (mapping.start >= RESERVED_START && mapping.start < RESERVED_END) continue;
    if (isKernelPage(mapping)) continue;
    if (mapping.name === '[vsyscall]' || mapping.name === '[uprobes]') continue;
    const described = describe(session, task, mapping, hashes);
    mappings.push(described);
    if (described.backing.kind === 'file') {
      writes.push(...trapCode(session, task, described, described.backing));
      writes.push(...fixStateSave(session, task, described, described.backing));
      patchCode(session, task, described, described.backing);
    } else if ((mapping.prot & Prot.EXEC) !== 0) task.space.opensTsc = false;
    if (mapping.name === '[stack]') writes.push(...presentBytes(session, task, mapping));
    else if (mapping.inode !== 0 && (mapping.prot & Prot.WRITE) !== 0) {
      writes.push(...zeroedTail(session, task, mapping));
    }
  }
  tracer.getRegs(tid);
  const { path, argv, envp } = session.config.verbosity.taskNames ? commandOf(tid) : NO_COMMAND;
  session.emit(task, {
    type: 'image',
    task: task.uid,
    time: session.now,
    tid,
    pid: task.pid,
    path,
    argv,
    envp,
    mappings,
    writes,
    regs: tracer.regsBytes.slice(),
    brk,
  });
  task.exitRegs.set(regs.halves);
  task.exitRegsValid = true;
}

/** Maps the page for remote calls, takes away the vDSO, and makes cpuid trap, and rdtsc, unless that may be left open. */
function prepare(session: Session, task: Task, kernelPages: readonly ProcMapping[]): void {
  const { tracer, regs } = session;
  const { tid } = task;
  const vdso = kernelPages.find((mapping) => mapping.name === '[vdso]');
  // Any executable page will do for the first calls; the vDSO's go away afterwards.
  const { agent } = session;
  mapReservedAndTrap(tracer, tid, vdso?.start ?? regs.address(Reg.rip), {
    tsc: agent === undefined,
  });
  if (agent !== undefined) {
    if (agent.load(task, kernelPages)) return;
    trapTsc(tracer, tid, true);
    task.trapsTsc = true;
  }
  for (const { start, end } of joined(kernelPages))
    tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [start, end - start]);
}

/** Whether the kernel has mapped it for the vDSO. */
function isKernelPage({ name }: ProcMapping): boolean {
  return name === '[vdso]' || name.startsWith('[vvar');
}

/** The ranges of memory that mappings, which come by ascending address, take together. */
function joined(mappings: readonly ProcMapping[]): { readonly start: number; end: number }[] {
  const ranges: { readonly start: number; end: number }[] = [];
  for (const { start, end } of mappings) {
    const last = ranges.at(-1);
    if (last?.end === start) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

const NO_COMMAND = { path: '', argv: [], envp: [] };

/** The auxiliary vector must not point to the vDSO any more. */
function hideVdso(session: Session, task: Task): void {
  const { tracer, regs } = session;
  const { tid } = task;
  tracer.getRegs(tid);
  const rsp = regs.address(Reg.rsp);
  const bytes = new Uint8Array(0x8000);
  let stack = new DataView(bytes.buffer, 0, 0);
  let base = rsp;
  const load = (addr: number): void => {
    const got = tracer.readMemory(tid, addr, bytes, 0, bytes.length);
    base = addr;
    stack = new DataView(bytes.buffer, 0, got);
  };
  const word = (addr: number): number => {
    if (addr < base || addr + 8 > base + stack.byteLength) load(addr);
    return Number(stack.getBigUint64(addr - base, true));
  };
  load(rsp);
  let at = rsp + 8 * (word(rsp) + 2);
  while (word(at) !== 0) at += 8;
  at += 8;
  for (; word(at) !== AT_NULL; at += 16) {
    if (word(at) !== AT_SYSINFO_EHDR) continue;
    const ignore = new Uint8Array(16);
    ignore[0] = AT_IGNORE;
    tracer.writeMemory(tid, at, ignore, 0, 16);
  }
}

/** Soft limit of the stack's size, bytes. */
function stackLimit(tid: number): number {
  const limit = /^Max stack size\s+(\d+)/m.exec(readTaskFile(tid, 'limits') ?? '')?.[1];
  return limit === undefined ? MAX_STACK : Math.floor(Number(limit) / PAGE_SIZE) * PAGE_SIZE;
}

/** `hashes`: what is known of files, by device and inode. */
function describe(
  session: Session,
  task: Task,
  mapping: ProcMapping,
  hashes: Map<string, string>,
): Mapping {
  const { start, end, prot } = mapping;
  let flags: number = MapFlag.PRIVATE;
  if (mapping.inode === 0) {
    flags |= MapFlag.ANONYMOUS;
    if (mapping.name === '[stack]') {
      // Replay maps the stack in its full allowed size: how far it has grown is the kernel's business.
      const full = Math.max(end - stackLimit(task.tid), end - MAX_STACK);
      return {
        start: Math.min(start, full),
        end,
        prot,
        flags: flags | MapFlag.NORESERVE,
        backing: { kind: 'anonymous' },
      };
    }
    return { start, end, prot, flags, backing: { kind: 'anonymous' } };
  }
  const file = `${mapping.dev} ${mapping.inode}`;
  let hash = hashes.get(file);
  if (hash === undefined) {
    hash = session.store.add(openablePath(task.tid, mapping));
    hashes.set(file, hash);
  }
  return {
    start,
    end,
    prot,
    flags,
    backing: { kind: 'file', hash, offset: mapping.offset, path: session.nameOf(mapping.name) },
  };
}

/** Leads known system call sites of a private mapping to the agent. True if the tracer's registers are another stop's now. */
export function patchCode(
  session: Session,
  task: Task,
  { start, end, prot }: Pick<Mapping, 'start' | 'end' | 'prot'>,
  { hash, offset }: { readonly hash: string; readonly offset: number },
): boolean {
  if ((prot & (Prot.EXEC | Prot.WRITE)) !== Prot.EXEC) return false;
  return session.agent?.mapped(task, { start, end, offset, content: hash }) === true;
}

/** Makes instructions in a private mapping trap that do not by themselves. Returns what that has stored in it. */
export function trapCode(
  session: Session,
  task: Task,
  mapping: Pick<Mapping, 'start' | 'end' | 'prot'>,
  file: { readonly hash: string; readonly offset: number },
): MemoryWrite[] {
  const { trapSites, tracer } = session;
  const { space } = task;
  if (trapSites === undefined || (mapping.prot & Prot.EXEC) === 0) return [];
  const path = contentPath(session.store.directory, file.hash);
  const isWritable = (mapping.prot & Prot.WRITE) !== 0;
  if (isWritable || !trapSites.knows(mapping, file, path)) space.opensTsc = false;
  return trapSites.patch(tracer, task.tid, mapping, file, path, space.opensTsc);
}

/** Has a loader's code save vector state in a way that can be repeated. Returns what that has stored in it. */
function fixStateSave(
  { tracer, store, stateSaves }: Session,
  { tid }: Task,
  mapping: Pick<Mapping, 'start' | 'end' | 'prot'>,
  file: { readonly hash: string; readonly offset: number },
): MemoryWrite[] {
  if ((mapping.prot & (Prot.EXEC | Prot.WRITE)) !== Prot.EXEC) return [];
  return stateSaves.patch(tracer, tid, mapping, file, contentPath(store.directory, file.hash));
}

/** A path under which this process can open the very file a task has mapped. */
function openablePath(tid: number, mapping: ProcMapping): string {
  const candidates = [
    `/proc/${tid}/root${mapping.name}`,
    `/proc/${tid}/exe`,
    `/proc/${tid}/map_files/${mapping.start.toString(16)}-${mapping.end.toString(16)}`,
  ];
  for (const candidate of candidates) {
    try {
      if (statSync(candidate).ino === mapping.inode) return candidate;
    } catch {
      // Deleted, or map_files is not allowed here.
    }
  }
  throw new Error(`cannot read the mapped file ${mapping.name}`);
}

/**
 * The kernel has zeroed the tail of a data segment's last page. Writing it back makes the page private here as it will be
 * in replay. What comes before the tail is the file's, but at least one byte has to be written.
 */
function zeroedTail(session: Session, task: Task, mapping: ProcMapping): MemoryWrite[] {
  const { tracer } = session;
  const { tid } = task;
  const bytes = new Uint8Array(PAGE_SIZE);
  const page = mapping.end - PAGE_SIZE;
  if (tracer.readMemory(tid, page, bytes, 0, PAGE_SIZE) !== PAGE_SIZE) return [];
  let zeroes = PAGE_SIZE - 1;
  while (zeroes > 0 && bytes[zeroes - 1] === 0) zeroes--;
  tracer.writeMemory(tid, page + zeroes, bytes, zeroes, PAGE_SIZE - zeroes);
  return [{ addr: page + zeroes, bytes: bytes.subarray(zeroes) }];
}

const ZEROES = new Uint8Array(PAGE_SIZE);
/** Most stacks are not larger when a program begins. */
const stackBytes = Buffer.alloc(0x40000);

/** The pages of a mapping from the first on that is not zero. */
function presentBytes(session: Session, task: Task, mapping: ProcMapping): MemoryWrite[] {
  const size = mapping.end - mapping.start;
  const bytes = size <= stackBytes.length ? stackBytes : Buffer.alloc(size);
  const got = session.tracer.readMemory(task.tid, mapping.start, bytes, 0, size);
  bytes.fill(0, got, size);
  let first = 0;
  while (first < size && bytes.compare(ZEROES, 0, PAGE_SIZE, first, first + PAGE_SIZE) === 0)
    first += PAGE_SIZE;
  if (first >= size) return [];
  return [{ addr: mapping.start + first, bytes: new Uint8Array(bytes.subarray(first, size)) }];
}

function commandOf(tid: number): { path: string; argv: string[]; envp: string[] } {
  const list = (name: string): string[] => {
    const text = readTaskFile(tid, name) ?? '';
    return text === '' ? [] : text.replace(/\0$/, '').split('\0');
  };
  let path = '';
  try {
    path = readlinkSync(`/proc/${tid}/exe`);
  } catch {
    // Unreadable: the path is only for people.
  }
  return { path, argv: list('cmdline'), envp: list('environ') };
}
