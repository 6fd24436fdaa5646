import {
  makesCode,
  Madvise,
  MapFlag,
  Mremap,
  pageAlign,
  Prot,
  REMOTE_SYSCALL,
  Sys,
} from '@scribe-ts/core-native';
import type { SyscallFrame, Word } from '@scribe-ts/tracelog';
import type { AgentControl } from '../agent/control.js';
import type { Engine } from '../engine.js';
import { mapRecorded } from '../image.js';
import type { ReplayTask } from '../tasks.js';

const SHM_RDONLY = 0o10000;

/** Advice that changes contents or what children get; the rest is about speed alone. */
const EFFECTIVE_ADVICE: ReadonlySet<Word> = new Set([
  Madvise.DONTNEED,
  Madvise.FREE,
  Madvise.REMOVE,
  Madvise.DONTFORK,
  Madvise.DOFORK,
  Madvise.WIPEONFORK,
  Madvise.KEEPONFORK,
  Madvise.DONTNEED_LOCKED,
]);

/** What the call is about to change or to cover must be the program's own. */
function makeRoom(
  agent: AgentControl,
  task: ReplayTask,
  { nr, result }: SyscallFrame,
  args: readonly Word[],
): void {
  const clear = (start: number, end: number): void => agent.clear(task, start, end);
  const { space, details } = task;
  if (details.mapping !== undefined) {
    const { start, end } = details.mapping.mapping;
    clear(start, end);
  } else if (nr === Sys.brk) clear(space.brk, pageAlign(Number(result)));
  else {
    const start = Number(args[0]);
    clear(start, start + pageAlign(Number(args[1])));
    if (nr === Sys.mremap) clear(Number(result), Number(result) + pageAlign(Number(args[2])));
    else if (nr === Sys.shmdt) clear(start, space.segments.get(start)?.end ?? start);
  }
}

/** Does to the replayed address space what the recorded call did. `args` are the registers at the call. */
export function replayMemory(
  engine: Engine,
  task: ReplayTask,
  frame: SyscallFrame,
  args: readonly Word[],
): void {
  const { tracer } = engine;
  const { result } = frame;
  const { mapping } = task.details;
  if (makesCode(frame.nr, args)) engine.keepHome(task.space);
  if (engine.agent !== undefined) makeRoom(engine.agent, task, frame, args);
  if (mapping !== undefined) {
    mapRecorded(engine, task, [mapping.mapping]);
    for (const { addr, bytes } of frame.writes) engine.cpuid.sites.learn(addr, bytes);
    if (frame.nr === Sys.shmat) {
      const { start, end } = mapping.mapping;
      const isReadOnly = (Number(args[2]) & SHM_RDONLY) !== 0;
      task.space.segments.set(start, { end, isReadOnly });
    }
    return;
  }
  if (typeof result !== 'number' || (result < 0 && frame.nr === Sys.brk)) return;
  const again = (nr: number, callArgs: readonly Word[], expected: Word): void => {
    const got = tracer.remoteSyscall(task.tid, REMOTE_SYSCALL, nr, callArgs);
    // A call that fails half way has done its first half.
    if (got !== expected && result >= 0)
      throw engine.internal(task, `system call ${nr} gave ${got} in the replay, not ${expected}`);
  };
  switch (frame.nr) {
    case Sys.brk: {
      const { space } = task;
      const from = pageAlign(space.brk);
      const to = pageAlign(result);
      if (to > from) {
        const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED;
        again(Sys.mmap, [from, to - from, Prot.READ | Prot.WRITE, flags, -1, 0], from);
      } else if (to < from) again(Sys.munmap, [to, from - to], 0);
      space.brk = result;
      return;
    }
    case Sys.munmap:
    case Sys.mprotect:
      again(frame.nr, args.slice(0, 3), 0);
      return;
    case Sys.pkey_mprotect:
      again(Sys.mprotect, args.slice(0, 3), 0);
      return;
    case Sys.remap_file_pages:
      again(frame.nr, args.slice(0, 5), 0);
      return;
    case Sys.mremap: {
      const [from, oldSize, newSize] = args;
      const dontUnmap = Number(args[3]) & Mremap.DONTUNMAP;
      if (result < 0) return;
      const flags = result === from ? 0 : Mremap.MAYMOVE | Mremap.FIXED | dontUnmap;
      again(Sys.mremap, [from!, oldSize!, newSize!, flags, result], result);
      return;
    }
    case Sys.madvise:
      if (EFFECTIVE_ADVICE.has(args[2]!)) {
        again(
          Sys.madvise,
          [args[0]!, args[1]!, args[2] === Madvise.FREE ? Madvise.DONTNEED : args[2]!],
          0,
        );
      }
      return;
    case Sys.shmdt: {
      const start = Number(args[0]);
      const end = task.space.segments.get(start)?.end;
      if (end !== undefined) again(Sys.munmap, [start, end - start], 0);
      return;
    }
  }
}
