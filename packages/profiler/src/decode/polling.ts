/** select, poll, epoll: what was waited for, and what was found. */
import { known, type Exception } from './exception.js';
import type { ArgPrinter, Call } from './call.js';
import { pollResults } from './file.js';
import { addressArg, structPrinter, unchangedArg } from './pointers.js';
import { bits, type Struct } from './struct.js';

/** What was asked for; what was found stands with the result. */
const fdSet = structPrinter(
  known('fd_set'),
  'in',
  (call) => Math.ceil(call.int(0) / 64) * 8,
  undefined,
);

/** What select found: ` (in [3], out [4], left {…})`. */
function selectResult(time: Struct): (call: Call) => string {
  return (call) => {
    const { count } = call;
    if (count === 0) return '0 (Timeout)';
    const parts: string[] = [];
    const sets = ['in', 'out', 'except'];
    sets.forEach((name, k) => {
      const bytes = call.output(call.address(k + 1));
      if (bytes !== undefined && call.address(k + 1) !== 0) {
        const size = Math.min(bytes.length, Math.ceil(call.int(0) / 64) * 8);
        if (bytes.subarray(0, size).some((byte) => byte !== 0)) {
          parts.push(`${name} ${bits(bytes, 0, size)}`);
        }
      }
    });
    const left = leftText(call, 4, time);
    if (left !== '') parts.push(left);
    return parts.length === 0 ? String(count) : `${count} (${parts.join(', ')})`;
  };
}

/** What the kernel stored as the time that was left; '' if nothing. */
export function leftText(call: Call, index: number, time: Struct): string {
  const addr = call.address(index);
  const bytes = addr === 0 ? undefined : call.output(addr);
  return bytes === undefined || bytes.length < time.size
    ? ''
    : `left ${time.print(bytes, 0, time.size)}`;
}

function pollResult(call: Call): string {
  const { count } = call;
  if (count === 0) return '0 (Timeout)';
  const bytes = call.output(call.address(0));
  if (bytes === undefined) return String(count);
  const left = call.frame.args.length > 3 ? leftText(call, 2, known('timespec')) : '';
  const results = pollResults(bytes, call.uint(1));
  return `${count} (${results}${left === '' ? '' : `, ${left}`})`;
}

export const timespecBefore = structPrinter(known('timespec'), 'in', () => 16, undefined);
export const select: Exception = {
  args: {
    1: fdSet,
    2: fdSet,
    3: fdSet,
    4: structPrinter(known('timeval'), 'in', () => 16, undefined),
  },
  result: selectResult(known('timeval')),
};
export const pselect6: Exception = {
  args: { 1: fdSet, 2: fdSet, 3: fdSet, 4: timespecBefore },
  result: selectResult(known('timespec')),
};
export const poll: Exception = {
  args: {
    0: unchangedArg(
      known('pollfd'),
      () => 8,
      (call) => call.uint(1),
    ),
    2: (call, i) => (call.frame.args.length > 3 ? timespecBefore(call, i) : String(call.int(i))),
  },
  result: pollResult,
};

const EPOLL_CTL_DEL = 2;
const eventArg = structPrinter(known('epoll_event'), 'in', () => 12, undefined);
/** What EPOLL_CTL_DEL is given is not read: it may be anything. */
export const epollEvent: ArgPrinter = (call, i) =>
  (call.int(1) === EPOLL_CTL_DEL ? addressArg : eventArg)(call, i);
