import { readFileSync } from 'node:fs';
import type { Task } from './tasks.js';

/** Signals that wait for a stopped task, and that it does not block. */
export function waitingSignals(task: Task): number[] {
  let status: string;
  try {
    status = readFileSync(`/proc/${task.tid}/status`, 'latin1');
  } catch {
    return [];
  }
  const set = (name: string): bigint =>
    BigInt(`0x${new RegExp(`^${name}:\t([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`);
  const waiting = (set('SigPnd') | set('ShdPnd')) & ~set('SigBlk');
  const signals: number[] = [];
  for (let signo = 1; signo <= 64; signo++)
    if (((waiting >> BigInt(signo - 1)) & 1n) !== 0n) signals.push(signo);
  return signals;
}
