import { addon } from './addon.js';
import { COUNTER_NAMES, type CounterName, type NativeCounters } from './binding.js';

function read(handle: number): Record<CounterName, number | null> {
  const values = addon.readCounters(handle);
  const result = {} as Record<CounterName, number | null>;
  COUNTER_NAMES.forEach((name, index) => (result[name] = values[index] ?? null));
  return result;
}

export const counters: NativeCounters = {
  open: addon.openCounters,
  read,
  close: addon.closeCounters,
};
