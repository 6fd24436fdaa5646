import {
  EventKind,
  nestPath,
  PtraceEvent,
  Resume,
  stubPath,
  type Tracer,
} from '@scribe-ts/core-native';

/** A program that stands at its exec in a pid namespace, and the process of ours that ends as it does. */
export interface Nested {
  /** As the tracer sees it. */
  readonly tid: number;
  readonly keeper: number;
}

/**
 * Starts the stub with process id `pid` in a pid namespace of its own. Returns the errno where this kernel, or the rights
 * of this user, do not let it.
 */
export function startNested(
  tracer: Tracer,
  pid: number,
  stdio: readonly [number, number, number],
): Nested | number {
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  const { tid: keeper } = tracer.spawn({
    file: nestPath,
    argv: ['nest', stubPath, `${pid}`, `${uid} ${uid} 1`, `${gid} ${gid} 1`],
    envp: [],
    disableAslr: true,
    stdio,
  });
  tracer.resume(keeper, Resume.Cont, 0);
  // Its children are traced from their first instruction on: the first is the namespace's init, the second the program.
  const children: number[] = [];
  const stopped = new Set<number>();
  for (;;) {
    const kind = tracer.wait(-1);
    const tid = tracer.event[0]!;
    if (kind === EventKind.None) continue;
    if (kind === EventKind.NoTracees) return -1;
    if (kind === EventKind.Exited) {
      if (tid !== keeper) continue;
      return (tracer.event[3]! >> 8) & 0xff;
    }
    if (tid === keeper) {
      const isFork = kind === EventKind.Event && tracer.event[2] === PtraceEvent.Fork;
      if (isFork) children.push(tracer.values[0]!);
      // All else is the exec of the program, which the keeper does not wait for, or its own end.
      tracer.resume(keeper, Resume.Cont, kind === EventKind.Signal ? tracer.event[2]! : 0);
      if (isFork && stopped.has(children.at(-1)!)) letGo(tracer, children);
      continue;
    }
    if (kind === EventKind.Event && tracer.event[2] === PtraceEvent.Exec) {
      leave(tracer, keeper);
      return { tid, keeper };
    }
    stopped.add(tid);
    if (children.at(-1) === tid) letGo(tracer, children);
  }
}

/** The last child stands at its first stop. */
function letGo(tracer: Tracer, children: readonly number[]): void {
  const child = children.at(-1)!;
  if (children.length === 1) tracer.detach(child, 0);
  else tracer.resume(child, Resume.Cont, 0);
}

/** Stops a task, and traces it no more. */
function leave(tracer: Tracer, tid: number): void {
  tracer.interruptTask(tid);
  while (!tracer.detach(tid, 0)) if (tracer.waitFor(tid) === EventKind.Exited) return;
}
