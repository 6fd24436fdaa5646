/** strace's `-e` expressions: `WHAT=[!]VALUE,…`, where WHAT is `trace` if it is left out. */
import { SIGNALS } from '../decode/names/signal.js';
import { QueryError } from './errors.js';
import { STATUSES, type Query, type Status } from './query.js';
import { parseSyscallSet } from './syscall-set.js';
import { numberSet, values, type NumberSet } from './values.js';

/** What expressions ask for: which events, and whose data is dumped below their calls. */
export interface Expressions {
  readonly query: Pick<Query, 'calls' | 'signals' | 'statuses' | 'fds'>;
  /** Descriptors whose read and written bytes are dumped. */
  readonly dumpRead?: NumberSet | undefined;
  readonly dumpWrite?: NumberSet | undefined;
}

type Settable = { -readonly [K in keyof Expressions['query']]: Expressions['query'][K] };

const MAX_SIGNAL = 64;

/** Reads expressions; of several of one kind the last counts, as in strace. Throws QueryError. */
export function parseExpressions(texts: readonly string[]): Expressions {
  const query: Settable = {};
  let dumpRead: NumberSet | undefined;
  let dumpWrite: NumberSet | undefined;
  for (const text of texts) {
    const { what, value } = split(text);
    switch (what) {
      case 'trace':
        query.calls = parseSyscallSet(value);
        break;
      case 'signal':
        query.signals = numberSet('signal', value, signalNumber);
        break;
      case 'status':
        query.statuses = statusSet(value);
        break;
      case 'fd':
        query.fds = numberSet('descriptor', value, wholeNumber);
        break;
      case 'read':
        dumpRead = numberSet('descriptor', value, wholeNumber);
        break;
      case 'write':
        dumpWrite = numberSet('descriptor', value, wholeNumber);
        break;
    }
  }
  return { query, dumpRead, dumpWrite };
}

type What = 'trace' | 'signal' | 'status' | 'fd' | 'read' | 'write';
const WHATS: Readonly<Record<string, What>> = {
  trace: 'trace',
  t: 'trace',
  signal: 'signal',
  signals: 'signal',
  s: 'signal',
  status: 'status',
  fd: 'fd',
  fds: 'fd',
  read: 'read',
  reads: 'read',
  r: 'read',
  write: 'write',
  writes: 'write',
  w: 'write',
};

/** Parts of strace's language that change what strace does to a program, or how it prints. */
const STRACES_OWN: ReadonlySet<string> = new Set([
  'abbrev',
  'verbose',
  'raw',
  'fault',
  'inject',
  'quiet',
  'kvm',
  'decode-fds',
]);

function split(text: string): { readonly what: What; readonly value: string } {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(0, equals));
  // `/a=b` is a pattern, `!open` a set.
  if (equals < 0 || !/^[a-z-]+$/.test(name)) return { what: 'trace', value: text };
  const what = Object.hasOwn(WHATS, name) ? WHATS[name] : undefined;
  if (what !== undefined) return { what, value: text.slice(equals + 1) };
  if (STRACES_OWN.has(name)) throw new QueryError(`'${name}=' means nothing for a log`);
  const known = 'trace, signal, status, fd, read and write';
  throw new QueryError(`there is no expression '${name}=', only ${known}`);
}

function signalNumber(word: string): number | undefined {
  if (/^\d+$/.test(word)) return Number(word) <= MAX_SIGNAL ? Number(word) : undefined;
  const upper = word.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const found = Object.entries(SIGNALS).find(([known]) => known === name)?.[1];
  if (found !== undefined) return Number(found);
  const realTime = /^SIGRT_?(?:MIN\+)?(\d+)$/.exec(name)?.[1];
  return realTime === undefined ? undefined : 32 + Number(realTime);
}

function wholeNumber(word: string): number | undefined {
  return /^\d{1,10}$/.test(word) ? Number(word) : undefined;
}

function statusSet(text: string): ReadonlySet<Status> {
  const { negated, words } = values('status', text);
  const [only] = words;
  if (words.length === 1 && only === 'all') return new Set(negated ? [] : STATUSES);
  if (words.length === 1 && only === 'none') return new Set(negated ? STATUSES : []);
  for (const word of words) {
    if (!(STATUSES as readonly string[]).includes(word)) {
      throw new QueryError(`there is no status '${word}', only ${STATUSES.join(', ')}`);
    }
  }
  return new Set(STATUSES.filter((status) => words.includes(status) !== negated));
}
