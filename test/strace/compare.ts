/** Two lists of lines, one beside the other. */
import { isSame } from './normalise.js';

/** A line that one of both has, or two that stand in the same place. */
export interface Difference {
  readonly task: string;
  readonly strace?: string;
  readonly scribe?: string;
}

/** Longest common subsequence by Myers would be faster; traces here have some thousand lines, mostly equal. */
export function difference(
  task: string,
  strace: readonly string[],
  scribe: readonly string[],
): Difference[] {
  let start = 0;
  while (start < strace.length && start < scribe.length && isSame(strace[start]!, scribe[start]!))
    start++;
  let a = strace.length;
  let b = scribe.length;
  while (a > start && b > start && isSame(strace[a - 1]!, scribe[b - 1]!)) {
    a--;
    b--;
  }
  return hunks(task, strace.slice(start, a), scribe.slice(start, b));
}

function hunks(task: string, left: readonly string[], right: readonly string[]): Difference[] {
  const width = right.length + 1;
  const lengths = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      lengths[i * width + j] = isSame(left[i]!, right[j]!)
        ? lengths[(i + 1) * width + j + 1]! + 1
        : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const found: Difference[] = [];
  let onlyLeft: string[] = [];
  let onlyRight: string[] = [];
  const flush = (): void => {
    pair(task, onlyLeft, onlyRight, found);
    onlyLeft = [];
    onlyRight = [];
  };
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && isSame(left[i]!, right[j]!)) {
      flush();
      i++;
      j++;
    } else if (
      j >= right.length ||
      (i < left.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    ) {
      onlyLeft.push(left[i++]!);
    } else onlyRight.push(right[j++]!);
  }
  flush();
  return withoutMoved(found);
}

/** places of signals: one that comes some calls earlier or later, with what its handler goes back to, is the same. */
const MOVABLE = /^(?:---|rt_sigreturn)/;

function withoutMoved(found: readonly Difference[]): Difference[] {
  const kept: Difference[] = [];
  for (const one of found) {
    const text = one.strace ?? one.scribe ?? '';
    const alone = one.strace === undefined || one.scribe === undefined;
    const twin =
      alone && MOVABLE.test(text)
        ? kept.findIndex((other) =>
            one.strace === undefined
              ? other.scribe === undefined && isSame(other.strace!, text)
              : other.strace === undefined && isSame(other.scribe!, text),
          )
        : -1;
    if (twin < 0) kept.push(one);
    else kept.splice(twin, 1);
  }
  return kept;
}

const callName = (line: string): string => /^\w+/.exec(line)?.[0] ?? line.slice(0, 8);

/** Within a place where both differ, lines of the same call belong together. */
function pair(
  task: string,
  left: readonly string[],
  right: readonly string[],
  found: Difference[],
): void {
  const rest = [...right];
  for (const strace of left) {
    const at = rest.findIndex((line) => callName(line) === callName(strace));
    if (at < 0) found.push({ task, strace });
    else {
      for (const scribe of rest.splice(0, at)) found.push({ task, scribe });
      found.push({ task, strace, scribe: rest.shift()! });
    }
  }
  for (const scribe of rest) found.push({ task, scribe });
}

/** A difference that is as it is to be, and why. */
export interface Explanation {
  readonly id: string;
  readonly why: string;
  /** It is not there in every run, or not with every kernel. */
  readonly sometimes?: boolean;
  /** Patterns of the lines; a side without one has no line. */
  readonly strace?: string;
  readonly scribe?: string;
  /** Only of this program. */
  readonly program?: string;
  /** Up to the result both lines are the same. */
  readonly sameArguments?: boolean;
}

const withoutResult = (line: string): string => line.slice(0, line.lastIndexOf(') = '));

/** The explanation of a difference between two traces of a program. */
export function explain(
  program: string,
  { strace, scribe }: Difference,
  explanations: readonly Explanation[],
): Explanation | undefined {
  const fits = (line: string | undefined, pattern: string | undefined): boolean =>
    line === undefined
      ? pattern === undefined
      : pattern !== undefined && new RegExp(pattern, 's').test(line);
  const sameArguments = (): boolean =>
    strace !== undefined &&
    scribe !== undefined &&
    isSame(withoutResult(strace), withoutResult(scribe));
  return explanations.find(
    (one) =>
      (one.program ?? program) === program &&
      fits(strace, one.strace) &&
      fits(scribe, one.scribe) &&
      (one.sameArguments !== true || sameArguments()),
  );
}
