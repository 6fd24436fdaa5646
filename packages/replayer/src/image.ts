import {
  MapFlag,
  mapReservedAndTrap,
  parseMaps,
  Prot,
  Reg,
  REMOTE_SCRATCH,
  REMOTE_SYSCALL,
  RESERVED_END,
  RESERVED_START,
  Sys,
} from '@scribe-ts/core-native';
import type { ImageFrame, Mapping } from '@scribe-ts/tracelog';
import type { Engine } from './engine.js';
import { initialStrings } from './live/initial-strings.js';
import { At, type ReplayTask } from './tasks.js';

const O_RDONLY = 0;
const O_RDWR = 2;
const RLIMIT_STACK = 3;
const RLIM_INFINITY = 0xffffffffffffffffn;
const STUB_PAGES = 0x100000;

/** Turns a task that has just exec'ed the stub into the recorded program, mapping by mapping. */
export function buildImage(engine: Engine, task: ReplayTask, frame: ImageFrame): void {
  const { tracer, regs } = engine;
  const { tid } = task;
  tracer.openMemory(tid);
  tracer.getRegs(tid);
  mapReservedAndTrap(tracer, tid, regs.address(Reg.rip), { cpuid: engine.cpuid.traps });
  for (const mapping of parseMaps(tid)) {
    if (mapping.name === '[vsyscall]' || mapping.name === '[uprobes]') continue;
    const reserved = mapping.start >= RESERVED_START && mapping.start < RESERVED_END;
    if (reserved && mapping.start < RESERVED_START + STUB_PAGES) continue;
    tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [
      mapping.start,
      mapping.end - mapping.start,
    ]);
  }
  liftStackLimit(engine, task);
  for (const mapping of frame.mappings) mapRecorded(engine, task, mapping);
  for (const { addr, bytes } of frame.writes) {
    tracer.writeMemory(tid, addr, bytes, 0, bytes.length);
    engine.cpuid.sites.learn(addr, bytes);
  }
  task.space.brk = task.space.startBrk = frame.brk;
  tracer.regsBytes.set(frame.regs);
  const { path, argv } = frame;
  const stack = regs.address(Reg.rsp);
  const strings = engine.live === undefined ? undefined : initialStrings(tracer, tid, stack);
  task.space.program = { path, argv, stack, strings };
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(tid);
  task.at = At.User;
}

/** MAP_GROWSDOWN mappings grow as far as the limit of the stack allows, which was the recording's. */
function liftStackLimit(engine: Engine, task: ReplayTask): void {
  const { tracer } = engine;
  const limits = new BigUint64Array([RLIM_INFINITY, RLIM_INFINITY]);
  const bytes = new Uint8Array(limits.buffer);
  const call = (...args: number[]): number => {
    tracer.writeMemory(task.tid, REMOTE_SCRATCH, bytes, 0, bytes.length);
    const result = tracer.remoteSyscall(task.tid, REMOTE_SYSCALL, Sys.prlimit64, [
      0,
      RLIMIT_STACK,
      ...args,
    ]);
    return Number(result);
  };
  if (call(REMOTE_SCRATCH, 0) === 0) return;
  // Not allowed to this user: as far as the hard limit, then.
  call(0, REMOTE_SCRATCH);
  tracer.readMemory(task.tid, REMOTE_SCRATCH, bytes, 0, bytes.length);
  limits[0] = limits[1]!;
  call(REMOTE_SCRATCH, 0);
}

/** Makes one recorded mapping at its recorded address. */
export function mapRecorded(engine: Engine, task: ReplayTask, mapping: Mapping): void {
  const { tracer } = engine;
  const { tid } = task;
  const { start, end, prot, backing } = mapping;
  const keep = mapping.flags & (MapFlag.GROWSDOWN | MapFlag.NORESERVE);
  let flags = MapFlag.FIXED | keep;
  let fd = -1;
  let code = '';
  let offset = 0;
  if (backing.kind === 'anonymous') flags |= MapFlag.PRIVATE | MapFlag.ANONYMOUS;
  else {
    const shared = (mapping.flags & MapFlag.TYPE) !== MapFlag.PRIVATE;
    const path =
      backing.kind === 'shared' ? engine.shared.path(backing) : engine.contents.path(backing.hash);
    engine.rememberPath(path, backing);
    flags |= shared ? MapFlag.SHARED : MapFlag.PRIVATE;
    if (backing.kind === 'file' && !shared && (prot & Prot.EXEC) !== 0) code = path;
    offset = backing.offset;
    fd = openIn(engine, task, path, shared ? O_RDWR : O_RDONLY);
  }
  const size = end - start;
  const result = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mmap, [
    start,
    size,
    prot,
    flags,
    fd,
    offset,
  ]);
  if (fd >= 0) tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.close, [fd]);
  if (result !== start) {
    throw engine.internal(
      task,
      `mapping ${start.toString(16)}-${end.toString(16)} failed with ${result}`,
    );
  }
  if (code !== '' && backing.kind === 'file' && engine.cpuid.patches)
    engine.cpuid.sites.patch(tracer, tid, mapping, backing, code, false);
}

function openIn(engine: Engine, task: ReplayTask, path: string, flags: number): number {
  const { tracer } = engine;
  const bytes = Buffer.from(`${path}\0`);
  tracer.writeMemory(task.tid, REMOTE_SCRATCH, bytes, 0, bytes.length);
  const fd = tracer.remoteSyscall(task.tid, REMOTE_SYSCALL, Sys.open, [REMOTE_SCRATCH, flags, 0]);
  if (fd < 0)
    throw engine.internal(task, `cannot open ${path} in the replayed process: errno ${-fd}`);
  return fd;
}
