import { basename } from 'node:path';
import type { LogHeader, LogReader } from '@scribe-ts/tracelog';
import type { CommandSpec } from '../argv.js';
import type { Command } from '../command.js';
import { findInStore, References } from '../contents.js';
import { errorCode } from '../errors.js';
import { endingSignal, shellStatus, signalName } from '../exit-codes.js';
import { count, formatBytes, type Output } from '../output.js';
import { Progress } from '../progress.js';
import { printable, shellQuote } from '../text.js';

const NS_PER_SECOND = 1e9;
/** Results from -LARGEST_ERRNO to -1 are errors (restarts included). */
const LARGEST_ERRNO = 4095;
const NAME_WIDTH = 'system calls:'.length;
/** System calls that the text names; --json has all. */
const NAMED_CALLS = 8;
/** Calls and instructions that tasks stopped for, named in the text. */
const NAMED_STOPS = 10;
/** In the names of counters. */
const CALLS = 'calls.';
const STOPS = 'stops.';
const POINTS = 'points.';
/** Missing contents that the text names. */
const NAMED_CONTENTS = 3;

const spec: CommandSpec = {
  name: 'info',
  summary:
    'Describes a log: what was recorded, where and when, and whether it can be replayed here.',
  usage: 'LOG',
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    { flags: '--json', description: 'as JSON', group: 'Output' },
    {
      flags: '--store <dir>',
      description: 'look for mapped files there (default: where LOG says)',
      group: 'Output',
    },
  ],
  examples: ['scribe info date.log', 'scribe info --json date.log | jq .syscalls'],
};

export type End =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'detached' }
  | { readonly kind: 'truncated'; readonly reason: string }
  | { readonly kind: 'unknown' };

/** What `info --json` prints. */
export interface LogInfo {
  readonly file: string;
  readonly bytes: number;
  /** 'major.minor'. */
  readonly format: string;
  readonly writer: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly root: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly machine: LogHeader['machine'];
  readonly verbosity: string;
  /** Seed of a chaotic recording. */
  readonly chaos?: number;
  /** What the recording did without. */
  readonly missing: readonly string[];
  readonly stdio: LogHeader['stdio'];
  readonly end: End;
  readonly streams: number;
  readonly chunks: number;
  readonly processes: number;
  readonly tasks: number;
  readonly frames: { readonly total: number; readonly byType: Readonly<Record<string, number>> };
  readonly syscalls: {
    readonly total: number;
    readonly failed: number;
    readonly byName: Readonly<Record<string, number>>;
  };
  /** Where tasks were stopped in user code, of tasks that have ended; absent if none was. */
  readonly points?: {
    /** Places at which tasks were caught and may be counted. */
    readonly sites: number;
    /** Points told by a count, the rounds up to them, and what counters have cost the recorder. */
    readonly counted: number;
    readonly rounds: number;
    readonly countingSeconds: number;
    /** Points told by the task's state, and what that has cost. */
    readonly described: number;
    readonly describingSeconds: number;
  };
  /** How calls were made, of tasks that have ended; not with `record --no-agent`. */
  readonly paths?: {
    readonly agent: number;
    readonly traced: number;
    /** What tasks stopped for, calls and instructions, the most frequent first. */
    readonly stops: Readonly<Record<string, number>>;
  };
  readonly bookmarks: readonly {
    readonly id: number;
    readonly timeSeconds: number;
    readonly name: string;
  }[];
  readonly contents: {
    /** Files that a replay needs, and their bytes as far as they are known. */
    readonly needed: number;
    readonly bytes: number;
    readonly inLog: number;
    readonly store: string;
    readonly inStore: number;
    readonly missing: readonly { readonly hash: string; readonly path: string }[];
  };
  /** Set if reading ended early: everything counted is what lies before. */
  readonly damage?: string;
}

export const info: Command = {
  spec,

  async run(args, { host, deps, output, about }) {
    const log = args.positionals[0]!;
    about.log = log;
    const { openLog, syscallTable } = await deps.tracelog();
    using reader = openLog(log);
    const store = args.value('store') ?? reader.header.store;
    const nameOf = (nr: number): string => syscallTable[nr]?.name ?? `syscall_${nr}`;
    const { info, failure } = gather(reader, store, nameOf, new Progress(host, 'info'));
    if (args.flag('json')) {
      output.json(info);
    } else {
      await output.useColours(1);
      for (const line of describe(info, output)) output.line(line);
      output.flush();
    }
    // What could be read has been told; the damage decides how we end.
    if (failure !== undefined) throw failure;
    return 0;
  },
};

/** Counts of one pass over the frames. */
interface Tally {
  readonly byType: Map<string, number>;
  readonly byCall: Map<number, number>;
  readonly tasks: Set<number>;
  readonly pids: Set<number>;
  readonly references: References;
  /** By name, as in frames with counters. */
  readonly paths: Map<string, number>;
  failed: number;
  lastTime: number;
  /** The command's own task, and its wait status once it has ended. */
  rootTask: number;
  rootStatus: number | undefined;
  detached: boolean;
}

function gather(
  reader: LogReader,
  store: string,
  nameOf: (nr: number) => string,
  progress: Progress,
): { readonly info: LogInfo; readonly failure: unknown } {
  const tally: Tally = {
    byType: new Map(),
    byCall: new Map(),
    tasks: new Set(),
    pids: new Set(),
    references: new References(),
    paths: new Map(),
    failed: 0,
    lastTime: 0,
    rootTask: 0,
    rootStatus: undefined,
    detached: false,
  };
  let failure: unknown;
  try {
    tallyFrames(reader, tally, progress);
  } catch (error) {
    if (!errorCode(error).startsWith('LOG_')) throw error;
    failure = error;
  } finally {
    progress.clear();
  }
  const { header, stats } = reader;
  const info: LogInfo = {
    file: reader.path,
    bytes: stats.bytes,
    format: `${header.formatMajor}.${header.formatMinor}`,
    writer: header.writer,
    command: header.command,
    cwd: header.cwd,
    root: header.root,
    startedAt: isoTime(header.startedAt),
    durationSeconds: tally.lastTime / NS_PER_SECOND,
    machine: header.machine,
    verbosity: header.verbosity,
    ...(header.chaos === undefined ? {} : { chaos: header.chaos }),
    missing: header.missing,
    stdio: header.stdio,
    end: endOf(reader, tally),
    streams: reader.streams.length,
    chunks: stats.chunks,
    processes: tally.pids.size,
    tasks: tally.tasks.size,
    frames: { total: stats.frames, byType: descending(tally.byType, (type) => type) },
    syscalls: {
      total: tally.byType.get('syscall') ?? 0,
      failed: tally.failed,
      byName: descending(tally.byCall, nameOf),
    },
    ...pointsOf(tally.paths),
    ...pathsOf(tally.paths),
    bookmarks: reader.bookmarks.map(({ id, time, name }) => ({
      id,
      timeSeconds: time / NS_PER_SECOND,
      name,
    })),
    contents: contentsOf(reader, tally.references, store),
    ...(failure === undefined ? {} : { damage: (failure as Error).message }),
  };
  return { info, failure };
}

function tallyFrames(reader: LogReader, tally: Tally, progress: Progress): void {
  const { byType, byCall, tasks, pids, references } = tally;
  let frames = 0;
  for (const { frame } of reader.records()) {
    progress.update(++frames / reader.stats.frames);
    byType.set(frame.type, (byType.get(frame.type) ?? 0) + 1);
    tally.lastTime = Math.max(tally.lastTime, frame.time);
    switch (frame.type) {
      case 'syscall':
        byCall.set(frame.nr, (byCall.get(frame.nr) ?? 0) + 1);
        if (frame.result < 0 && frame.result >= -LARGEST_ERRNO) tally.failed++;
        break;
      case 'image':
        // The recording begins with the command's own image.
        if (tally.rootTask === 0) tally.rootTask = frame.task;
        tasks.add(frame.task);
        pids.add(frame.pid);
        references.add(frame);
        break;
      case 'task-start':
        tasks.add(frame.task);
        pids.add(frame.pid);
        break;
      case 'mapping':
        references.add(frame);
        break;
      case 'exit':
        if (frame.task === tally.rootTask) tally.rootStatus = frame.status;
        break;
      case 'counters':
        for (const [name, value] of Object.entries(frame.values)) {
          if ([CALLS, STOPS, POINTS].some((prefix) => name.startsWith(prefix)))
            tally.paths.set(name, (tally.paths.get(name) ?? 0) + (value ?? 0));
        }
        break;
      case 'detach':
        tally.detached = true;
        break;
    }
  }
}

function endOf(reader: LogReader, { rootStatus, detached }: Tally): End {
  if (reader.truncated) return { kind: 'truncated', reason: reader.truncatedReason };
  if (detached) return { kind: 'detached' };
  if (rootStatus === undefined) return { kind: 'unknown' };
  const signal = endingSignal(rootStatus);
  return signal === 0
    ? { kind: 'exited', status: shellStatus(rootStatus) }
    : { kind: 'killed', signal: signalName(signal) };
}

function contentsOf(reader: LogReader, references: References, store: string): LogInfo['contents'] {
  const inside = new Map(reader.contents().map(({ hash, size }) => [hash, size]));
  const missing: { hash: string; path: string }[] = [];
  let needed = 0;
  let bytes = 0;
  let inLog = 0;
  let inStore = 0;
  for (const [hash, path] of references.entries()) {
    needed++;
    const size = inside.get(hash);
    const stored = size === undefined ? findInStore(store, hash) : undefined;
    bytes += size ?? stored?.size ?? 0;
    if (size !== undefined) inLog++;
    else if (stored !== undefined) inStore++;
    else missing.push({ hash, path });
  }
  return { needed, bytes, inLog, store, inStore, missing };
}

function pointsOf(counts: ReadonlyMap<string, number>): Pick<LogInfo, 'points'> {
  if (!counts.has(`${POINTS}sites`)) return {};
  const of = (name: string): number => counts.get(`${POINTS}${name}`) ?? 0;
  return {
    points: {
      sites: of('sites'),
      counted: of('counted'),
      rounds: of('rounds'),
      countingSeconds: of('counting_ns') / NS_PER_SECOND,
      described: of('described'),
      describingSeconds: of('describing_ns') / NS_PER_SECOND,
    },
  };
}

function pathsOf(counts: ReadonlyMap<string, number>): Pick<LogInfo, 'paths'> {
  if (!counts.has(`${CALLS}agent`)) return {};
  const stops = new Map([...counts].filter(([name]) => name.startsWith(STOPS)));
  return {
    paths: {
      agent: counts.get(`${CALLS}agent`) ?? 0,
      traced: counts.get(`${CALLS}traced`) ?? 0,
      stops: descending(stops, (name) => name.slice(STOPS.length)),
    },
  };
}

/** Counts by name, the largest first. */
function descending<K>(
  counts: ReadonlyMap<K, number>,
  nameOf: (key: K) => string,
): Readonly<Record<string, number>> {
  const entries = [...counts].sort(([, a], [, b]) => b - a);
  return Object.fromEntries(entries.map(([key, number]) => [nameOf(key), number]));
}

/** '' for a time that is none. */
function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function* describe(info: LogInfo, output: Output): Generator<string> {
  const { machine, contents, syscalls } = info;
  const row = (name: string, text: string): string =>
    `${output.paint('heading', `${name}:`.padEnd(NAME_WIDTH))} ${printable(text)}`;
  const more = (text: string): string => `${' '.repeat(NAME_WIDTH)} ${printable(text)}`;
  yield printable(
    `${basename(info.file)}: recorded by ${info.writer}, format ${info.format}, ${formatBytes(info.bytes)}`,
  );
  yield row('command', shellQuote(info.command));
  yield row('directory', info.root === '/' ? info.cwd : `${info.cwd} in root ${info.root}`);
  yield row('recorded', `${info.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}`);
  yield row(
    'machine',
    `${machine.hostname}, Linux ${machine.kernel}, ${machine.arch}, ` +
      `${machine.cpus} × ${machine.cpu}, user ${machine.uid}`,
  );
  yield row('duration', `${info.durationSeconds.toFixed(3)} s`);
  yield row('end', describeEnd(info.end));
  yield row('verbosity', info.verbosity || 'none (only what replay needs)');
  if (info.chaos !== undefined) yield row('chaos', `seed ${info.chaos}`);
  if (info.missing.length > 0) yield row('without', info.missing.join('; '));
  yield row(
    'tasks',
    `${info.tasks} in ${count(info.processes, 'process', 'processes')}, ${count(info.streams, 'stream')}`,
  );
  yield row('system calls', `${syscalls.total}, ${syscalls.failed} failed`);
  const calls = Object.entries(syscalls.byName);
  if (calls.length > 0) yield more(listCounts(calls, NAMED_CALLS));
  if (info.paths !== undefined) {
    const { agent, traced, stops } = info.paths;
    yield row('made by', `the agent ${agent}, the tracer ${traced}`);
    const named = Object.entries(stops);
    if (named.length > 0) yield more(`stopped for ${listCounts(named, NAMED_STOPS)}`);
  }
  if (info.points !== undefined) {
    const { points } = info;
    const { counted, rounds, countingSeconds, described, describingSeconds } = points;
    const cost = (seconds: number): string => `${seconds.toFixed(3)} s`;
    yield row(
      'stopped',
      `${counted + described} times in user code, at ${count(points.sites, 'place')} that ${points.sites === 1 ? 'is' : 'are'} counted`,
    );
    yield more(
      `told by ${rounds} rounds ${counted}, ${cost(countingSeconds)}; by state ${described}, ${cost(describingSeconds)}`,
    );
  }
  yield row('frames', `${info.frames.total} in ${count(info.chunks, 'chunk')}`);
  const types = Object.entries(info.frames.byType);
  if (types.length > 0) yield more(listCounts(types, Infinity));
  yield row(
    'bookmarks',
    info.bookmarks
      .map(
        ({ id, timeSeconds, name }) => `${id}${name && ` ${name}`} at ${timeSeconds.toFixed(3)} s`,
      )
      .join(', ') || 'none',
  );
  yield row('mapped files', describeContents(contents));
  for (const { hash, path } of contents.missing.slice(0, NAMED_CONTENTS)) {
    yield more(`missing: ${path || 'a file'} (${hash})`);
  }
  const unnamed = contents.missing.length - NAMED_CONTENTS;
  if (unnamed > 0) yield more(`missing: ${unnamed} more`);
  if (info.damage !== undefined) yield row('damage', info.damage);
}

function describeEnd(end: End): string {
  switch (end.kind) {
    case 'exited':
      return `exited with ${end.status}`;
    case 'killed':
      return `killed by ${end.signal}`;
    case 'detached':
      return 'detached: the program ran on by itself';
    case 'truncated':
      return `truncated: ${end.reason}`;
    case 'unknown':
      return 'not in the log';
  }
}

function describeContents({ needed, bytes, inLog, store, inStore }: LogInfo['contents']): string {
  if (needed === 0) return 'none';
  const places = [
    inLog > 0 ? `${inLog} in the log` : '',
    inStore > 0 ? `${inStore} in ${store}` : '',
  ].filter((place) => place !== '');
  return `${needed} (${formatBytes(bytes)}): ${places.join(', ') || 'none found'}`;
}

function listCounts(entries: readonly (readonly [string, number])[], most: number): string {
  const shown = entries.slice(0, most).map(([name, number]) => `${name} ${number}`);
  if (entries.length > most) shown.push('…');
  return shown.join(', ');
}
