import type { TimerSetting } from './model/open-file.js';

/** What is left of a timer at `nowNs`, ns since the recording began. An absolute one keeps its time. */
export function remaining(
  { value, interval, absolute, time }: TimerSetting,
  nowNs: number,
): { readonly value: number; readonly interval: number } {
  const left = value - (nowNs - time);
  if (absolute || left > 0) return { value: absolute ? value : left, interval };
  // One that has run out once fires at once, if the program has not seen it yet.
  return { value: interval === 0 ? 1 : interval - (-left % interval), interval };
}
