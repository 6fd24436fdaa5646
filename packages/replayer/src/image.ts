import {
  MapFlag,
  mapReservedAndTrap,
  parseMaps,
  Prot,
  Reg,
  REMOTE_SCRATCH,
  REMOTE_SCRATCH_SIZE,
  REMOTE_SYSCALL,
  REMOTE_TABLE_SIZE,
  RESERVED_START,
  Sys,
  type Tracer,
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
/** Which argument of mmap the descriptor is. */
const FD_OF_MMAP = 4;
/** Bytes that paths of files may have together. */
const MAX_PATHS = REMOTE_SCRATCH_SIZE - REMOTE_TABLE_SIZE;

/** Turns a task that has just exec'ed the stub into the recorded program, mapping by mapping. */
export function buildImage(engine: Engine, task: ReplayTask, frame: ImageFrame): void {
  const { tracer, regs } = engine;
  const { tid } = task;
  tracer.openMemory(tid);
  tracer.getRegs(tid);
  mapReservedAndTrap(tracer, tid, regs.address(Reg.rip), { cpuid: engine.cpuid.traps });
  const unmapped = parseMaps(tid).filter(({ start, name }) => {
    if (name === '[vsyscall]' || name === '[uprobes]') return false;
    return start < RESERVED_START || start >= RESERVED_START + STUB_PAGES;
  });
  tracer.remoteSyscalls(
    tid,
    REMOTE_SYSCALL,
    unmapped.map(({ start, end }) => [Sys.munmap, start, end - start]),
  );
  if (!engine.hasLiftedLimits) liftStackLimit(engine, task);
  engine.hasLiftedLimits = true;
  mapRecorded(engine, task, frame.mappings);
  for (const { addr, bytes } of frame.writes) {
    tracer.writeMemory(tid, addr, bytes, 0, bytes.length);
    engine.cpuid.sites.learn(addr, bytes);
    engine.stateSaves.learn(addr, bytes);
  }
  for (const mapping of frame.mappings) engine.agent?.mapped(task, mapping);
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

/** MAP_GROWSDOWN mappings grow as far as the limit of the stack allows, which was the recording's. Children inherit it. */
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

/** Makes recorded mappings at their recorded addresses. */
export function mapRecorded(engine: Engine, task: ReplayTask, mappings: readonly Mapping[]): void {
  const { tracer } = engine;
  const { tid } = task;
  const calls: number[][] = [];
  const links: number[] = [];
  const files = new FilesToOpen(calls);
  for (const mapping of mappings) {
    const { start, end, prot, backing } = mapping;
    let flags = MapFlag.FIXED | (mapping.flags & (MapFlag.GROWSDOWN | MapFlag.NORESERVE));
    let offset = 0;
    if (backing.kind === 'anonymous') flags |= MapFlag.PRIVATE | MapFlag.ANONYMOUS;
    else {
      const isShared = isSharedMapping(mapping);
      const path =
        backing.kind === 'shared'
          ? engine.shared.path(backing)
          : engine.contents.path(backing.hash);
      engine.rememberPath(path, backing);
      flags |= isShared ? MapFlag.SHARED : MapFlag.PRIVATE;
      offset = backing.offset;
      const opened = files.open(path, isShared ? O_RDWR : O_RDONLY);
      links.push(calls.length, FD_OF_MMAP, opened);
    }
    calls.push([Sys.mmap, start, end - start, prot, flags, -1, offset]);
  }
  files.close(links);
  files.writePaths(tracer, tid);
  const results = tracer.remoteSyscalls(tid, REMOTE_SYSCALL, calls, links);
  files.check(engine, task, results);
  const mapped = results.filter((_, i) => calls[i]![0] === Sys.mmap);
  for (const [i, mapping] of mappings.entries()) {
    const { start, end, prot, backing } = mapping;
    if (mapped[i] !== start) {
      const range = `${start.toString(16)}-${end.toString(16)}`;
      throw engine.internal(task, `mapping ${range} failed with ${mapped[i]}`);
    }
    const isCode = (prot & Prot.EXEC) !== 0 && !isSharedMapping(mapping);
    if (!isCode || backing.kind !== 'file' || !engine.cpuid.patches) continue;
    const code = engine.contents.path(backing.hash);
    engine.cpuid.sites.patch(tracer, tid, mapping, backing, code, false);
  }
}

/** Files that a task opens to map them, each once: calls for that, among others. */
class FilesToOpen {
  /** By mode and path, the call that opens it. */
  private readonly opened = new Map<string, { readonly path: string; readonly call: number }>();
  private readonly paths: Buffer[] = [];
  private size = 0;

  constructor(private readonly calls: number[][]) {}

  /** The call whose result is the file's descriptor. */
  open(path: string, flags: number): number {
    const key = `${flags} ${path}`;
    const known = this.opened.get(key);
    if (known !== undefined) return known.call;
    const bytes = Buffer.from(`${path}\0`);
    const call = this.calls.push([Sys.open, REMOTE_SCRATCH + this.size, flags, 0]) - 1;
    this.paths.push(bytes);
    this.size += bytes.length;
    this.opened.set(key, { path, call });
    return call;
  }

  /** Adds the calls that close them all. */
  close(links: number[]): void {
    for (const { call } of this.opened.values())
      links.push(this.calls.push([Sys.close, -1]) - 1, 0, call);
  }

  writePaths(tracer: Tracer, tid: number): void {
    if (this.size > MAX_PATHS) throw new Error(`${this.size} bytes of paths in one image`);
    if (this.size > 0)
      tracer.writeMemory(tid, REMOTE_SCRATCH, Buffer.concat(this.paths), 0, this.size);
  }

  check(engine: Engine, task: ReplayTask, results: readonly number[]): void {
    for (const { path, call } of this.opened.values())
      if (results[call]! < 0)
        throw engine.internal(
          task,
          `cannot open ${path} in the replayed process: errno ${-results[call]!}`,
        );
  }
}

function isSharedMapping({ flags }: Mapping): boolean {
  return (flags & MapFlag.TYPE) !== MapFlag.PRIVATE;
}
