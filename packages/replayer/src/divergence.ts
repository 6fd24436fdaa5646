import type { Frame } from '@scribe-ts/tracelog';
import type { Divergence } from './options.js';
import type { ReplayTask } from './tasks.js';

export type DivergenceKind = Divergence['kind'];

/** The replayed program did not do what the log says; turned into a DivergenceError with a full report. */
export class Mismatch extends Error {
  constructor(
    readonly kind: DivergenceKind,
    readonly task: ReplayTask,
    readonly frame: Frame | undefined,
    /** What the program did. */
    readonly actual: string,
    /** What it should have done. */
    readonly expected: string,
  ) {
    super(
      expected === ''
        ? `task ${task.uid}: ${actual}`
        : `task ${task.uid} diverged: the log expected it to ${phrase(kind, expected)}, the program did: ${actual}`,
    );
    this.name = 'Mismatch';
  }
}

function phrase(kind: DivergenceKind, expected: string): string {
  switch (kind) {
    case 'syscall':
    case 'arguments':
      return `call ${expected}`;
    case 'signal':
      return `get ${expected}`;
    case 'trap':
      return `run ${expected}`;
    case 'state':
      return `have ${expected}`;
    default:
      return expected;
  }
}
