import { syscallByName } from '@scribe-ts/tracelog';
import { ReplayError } from '../replayer.js';
import type { RunOrder } from './protocol.js';
import type { EventFilter, ReplayTarget, Side } from './types.js';

/** What the worker is told for a target. Throws ReplayError (BAD_TARGET). */
export function orderFor(target: ReplayTarget, id: number): RunOrder {
  if ('stream' in target) return { watches: [], place: target };
  if ('offset' in target) {
    const { offset, position = 0 } = target;
    return { watches: [], place: { offset, position } };
  }
  if ('bookmark' in target) return { watches: [], hold: { bookmark: target.bookmark } };
  if ('time' in target) return { watches: [], hold: { time: target.time } };
  const { nth = 1, side = 'before' } = target;
  if (!(Number.isInteger(nth) && nth >= 1))
    throw new ReplayError(`nth counts from 1, it cannot be ${nth}`, 'BAD_TARGET');
  const filter = checkFilter('event' in target ? target.event : callFilter(target.syscall));
  return { watches: [watchFor(id, filter, side, nth - 1)] };
}

function callFilter(syscall: string | number | EventFilter): EventFilter {
  return typeof syscall === 'object' ? { ...syscall, type: 'syscall' } : { name: syscall };
}

function watchFor(
  id: number,
  filter: EventFilter,
  side: Side,
  skip: number,
): RunOrder['watches'][number] {
  return { id, filter, skip, side, action: 'stop', backtrace: false };
}

/** A name that no system call has must not wait for the end of the log to be found out. Throws ReplayError (BAD_TARGET). */
export function checkFilter(filter: EventFilter): EventFilter {
  for (const name of [filter.name ?? []].flat()) {
    if (typeof name === 'string' && !syscallByName.has(name))
      throw new ReplayError(`there is no system call named ${name}`, 'BAD_TARGET');
  }
  return filter;
}
