/** The search box's language: words that all have to match. */
import { kindCode, type EventKind } from './event-code.js';

/** The words cannot be understood; the message is for people. */
export class SearchError extends Error {
  readonly code = 'SEARCH';
  constructor(message: string) {
    super(message);
    this.name = 'SearchError';
  }
}

export interface SearchPlan {
  /** Codes without flags, one of which the event must have. */
  readonly codes: ReadonlySet<number> | undefined;
  readonly failed: boolean;
  /** The call must have failed with this. */
  readonly errno: number | undefined;
  readonly signal: number | undefined;
  /** At least so long a call, ns. */
  readonly longer: number;
  /** Must stand in the event's text or data, each of them. */
  readonly texts: readonly string[];
}

/** Names that mean something other than text. */
export interface Vocabulary {
  readonly calls: ReadonlyMap<string, number>;
  readonly errnos: ReadonlyMap<string, number>;
  readonly signals: ReadonlyMap<string, number>;
}

const KINDS: Readonly<Record<string, EventKind>> = {
  exec: 'image',
  exit: 'exit',
  signal: 'signal',
  rdtsc: 'trap',
  cpuid: 'trap',
  bookmark: 'bookmark',
  note: 'note',
  start: 'task-start',
};

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

/** Whether the index alone can tell. */
export function needsLog(plan: SearchPlan): boolean {
  return plan.texts.length > 0 || plan.errno !== undefined || plan.signal !== undefined;
}

/**
 * `openat failed /etc` · `ENOENT` · `SIGCHLD` · `>10ms` · `"failed"`: names of calls (several: any of them), `failed`,
 * names of errors and signals, least times in a call, kinds of events, and texts. Throws SearchError.
 */
export function parseSearch(text: string, vocabulary: Vocabulary): SearchPlan {
  const codes = new Set<number>();
  const texts: string[] = [];
  let failed = false;
  let errno: number | undefined;
  let signal: number | undefined;
  let longer = 0;
  for (const { word, quoted } of wordsOf(text)) {
    const call = quoted ? undefined : vocabulary.calls.get(word);
    const span = quoted ? null : /^>(\d+(?:\.\d+)?)(ns|us|µs|ms|s)$/.exec(word);
    const kind = quoted || !Object.hasOwn(KINDS, word) ? undefined : KINDS[word]!;
    if (kind !== undefined) codes.add(kindCode(kind));
    // `exit` is a call as well.
    if (call !== undefined) codes.add(call);
    if (call !== undefined || kind !== undefined) continue;
    if (span !== null) longer = Number(span[1]) * UNITS[span[2]!]!;
    else if (quoted) texts.push(word);
    else if (word === 'failed') failed = true;
    else if (vocabulary.errnos.has(word)) {
      errno = vocabulary.errnos.get(word);
      failed = true;
    } else if (vocabulary.signals.has(word)) {
      signal = vocabulary.signals.get(word);
      codes.add(kindCode('signal'));
    } else if (word.startsWith('>')) {
      throw new SearchError(`'${word}' is no time: write it like >5ms, or "${word}" in quotes`);
    } else texts.push(word);
  }
  return { codes: codes.size === 0 ? undefined : codes, failed, errno, signal, longer, texts };
}

function wordsOf(text: string): { word: string; quoted: boolean }[] {
  const words: { word: string; quoted: boolean }[] = [];
  for (const match of text.matchAll(/"([^"]*)"?|(\S+)/g)) {
    const [, quoted, plain] = match;
    if (quoted !== undefined && quoted !== '') words.push({ word: quoted, quoted: true });
    if (plain !== undefined) words.push({ word: plain, quoted: false });
  }
  if (words.length === 0) throw new SearchError('type what to look for');
  return words;
}
