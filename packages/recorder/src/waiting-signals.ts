import { readTaskFile } from '@scribe-ts/core-native';
import type { Task } from './tasks.js';

/** Signals that wait for a stopped task, and that it does not block. */
export function waitingSignals(task: Task): number[] {
  const status = readTaskFile(task.tid, 'status');
  if (status === undefined) return [];
  const set = (name: string): bigint =>
    BigInt(`0x${new RegExp(`^${name}:\t([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`);
  const waiting = (set('SigPnd') | set('ShdPnd')) & ~set('SigBlk');
  const signals: number[] = [];
  for (let signo = 1; signo <= 64; signo++)
    if (((waiting >> BigInt(signo - 1)) & 1n) !== 0n) signals.push(signo);
  return signals;
}
