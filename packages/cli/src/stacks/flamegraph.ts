import { basename } from 'node:path';
import type { Deps } from '../deps.js';
import { UsageError } from '../errors.js';
import { count } from '../output.js';
import { callStacks, type CallStack, type StackRequest } from './call-stacks.js';
import { frameName } from './lines.js';

/** What the width of a flame graph stands for. */
export const WEIGHTS = ['calls', 'time', 'between'] as const;
export type Weight = (typeof WEIGHTS)[number];

/** Throws UsageError. */
export function parseWeight(text: string): Weight {
  const weight = WEIGHTS.find((name) => name === text);
  if (weight === undefined)
    throw new UsageError(`--weight is one of ${WEIGHTS.join(', ')}, not '${text}'`);
  return weight;
}

const TITLES: Readonly<Record<Weight, string>> = {
  calls: 'calls by number',
  time: 'time in calls',
  between: 'time between calls, where it led to',
};

/**
 * A flame graph of the calls that are wanted: programs, then their functions from the outside in, then the call. Throws
 * UsageError if there is nothing to draw.
 */
export async function flamegraph(
  deps: Deps,
  request: StackRequest,
  weight: Weight,
): Promise<string> {
  const { FlameTree, renderFlamegraph, demangle } = await deps.profiler();
  const tree = new FlameTree();
  for await (const call of callStacks(deps, request))
    tree.add(names(call, demangle), weigh(call, weight));
  if (!(tree.root.total > 0)) {
    const advice = weight === 'calls' ? 'no call matches' : 'the log has no such times';
    throw new UsageError(`there is nothing to draw: ${advice}`);
  }
  return renderFlamegraph(tree.root, {
    title: `${basename(request.log)}: ${TITLES[weight]}`,
    weight: weight === 'calls' ? (value) => count(value, 'call') : duration,
  });
}

function weigh({ event, sinceLast }: CallStack, weight: Weight): number {
  switch (weight) {
    case 'calls':
      return 1;
    case 'time':
      return event.duration ?? 0;
    case 'between':
      return sinceLast;
  }
}

function names(
  { event, stack }: CallStack,
  readable: (symbol: string) => string,
): readonly string[] {
  const program = basename(event.info.path) || `task ${event.task}`;
  return [program, ...stack.map((frame) => frameName(frame, readable)).reverse(), event.name];
}

/** '812 ns', '5.30 ms'. */
function duration(ns: number): string {
  if (ns < 1000) return `${ns} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(2)} µs`;
  if (ns < 1e9) return `${(ns / 1e6).toFixed(2)} ms`;
  return `${(ns / 1e9).toFixed(2)} s`;
}
