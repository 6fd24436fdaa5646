import type { TimerSetting } from './model/open-file.js';

/**
 * What is left of a timer at `nowNs`, ns since the recording began. An absolute one keeps its time, one of a clock that
 * does not run all the time what it was set to. `unseen`: how often it has run out without the program having read that.
 */
export function remaining(
  { value, interval, absolute, time, seen, stands }: TimerSetting,
  nowNs: number,
): { readonly value: number; readonly interval: number; readonly unseen: number } {
  const left = value - (nowNs - time);
  if (absolute || stands || (left > 0 && seen === 0)) {
    return { value: absolute || stands ? value : left, interval, unseen: 0 };
  }
  // One that runs out once does so at once, as the program has not seen it yet.
  if (interval === 0) return { value: 1, interval, unseen: 1 };
  const times = left > 0 ? 0 : 1 + Math.floor(-left / interval);
  return {
    value: Math.max(1, left + interval * Math.max(times, seen)),
    interval,
    unseen: Math.max(0, times - seen),
  };
}
