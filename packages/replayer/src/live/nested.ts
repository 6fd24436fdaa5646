import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EventKind,
  nestPath,
  PtraceEvent,
  Resume,
  stubPath,
  type Tracer,
} from '@scribe-ts/core-native';
import type { LiveIsolation } from '../options.js';

const CLONE_NEWIPC = 0x08000000;
const CLONE_NEWNET = 0x40000000;

/** A program that stands at its exec in a pid namespace, and the process of ours that ends as it does. */
export interface Nested {
  /** These are as the tracer sees them. */
  readonly tid: number;
  readonly keeper: number;
  /** First process of the namespace: all others end with it. */
  readonly init: number;
}

/**
 * Starts the stub with process id `pid` in a pid namespace of its own. Returns the errno where this kernel, or the rights
 * of this user, do not let it.
 */
export function startNested(
  tracer: Tracer,
  pid: number,
  stdio: readonly [number, number, number],
  isolation: LiveIsolation | undefined,
): Nested | number {
  // What is mounted there is mounted in the program's namespace alone.
  const place =
    isolation === undefined || isolation.directories.length === 0
      ? ''
      : mkdtempSync(join(tmpdir(), 'scribe-live-'));
  try {
    return nest(tracer, pid, stdio, isolation, place);
  } finally {
    if (place !== '') rmdirSync(place);
  }
}

function nest(
  tracer: Tracer,
  pid: number,
  stdio: readonly [number, number, number],
  isolation: LiveIsolation | undefined,
  place: string,
): Nested | number {
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  const { tid: keeper } = tracer.spawn({
    file: nestPath,
    argv: [
      'nest',
      stubPath,
      `${pid}`,
      `${uid} ${uid} 1`,
      `${gid} ${gid} 1`,
      ...(isolation === undefined ? [] : isolationArguments(isolation, place)),
    ],
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
      return { tid, keeper, init: children[0]! };
    }
    stopped.add(tid);
    if (children.at(-1) === tid) letGo(tracer, children);
  }
}

function isolationArguments({ network, directories }: LiveIsolation, place: string): string[] {
  const own = CLONE_NEWIPC | (network ? CLONE_NEWNET : 0);
  // What these mean in mount options is taken from them.
  const plain = (path: string): string => path.replace(/[\\:,]/g, '\\$&');
  const overlays = directories.flatMap((directory, i) => {
    const [upper, work] = [join(place, `upper${i}`), join(place, `work${i}`)];
    const options = `lowerdir=${plain(directory)},upperdir=${plain(upper)},workdir=${plain(work)},userxattr`;
    return [directory, upper, work, options];
  });
  return [`${own}`, place, ...overlays];
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
