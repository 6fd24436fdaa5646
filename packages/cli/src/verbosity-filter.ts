import type {
  DataFrame,
  Frame,
  Mapping,
  StateFrame,
  StreamId,
  SyscallFrame,
  SyscallRow,
  Transform,
} from '@scribe-ts/tracelog';

/** Bytes of data that verbosity `d` keeps. */
const DATA_BYTES = 256;
const NS_PER_US = 1000;

/**
 * What becomes of the frames of a log whose verbosity goes from the letters `before` to `after`, a part of them. Frames
 * that replay needs are kept whole.
 *
 * A data frame doesn't say whether it holds a string (S) or other data (d, D): the call that it belongs to does. So data
 * frames wait for their call's frame, which comes next but for other details of the same call.
 */
export function shrinkTo(
  after: string,
  before: string,
  rows: readonly (SyscallRow | undefined)[],
): Transform {
  const dropped = (letter: string): boolean => before.includes(letter) && !after.includes(letter);
  const noData = !after.includes('d') && !after.includes('D');
  const drops = {
    arguments: dropped('s'),
    strings: dropped('S'),
    hashes: dropped('h'),
    counters: dropped('c'),
    resources: dropped('r'),
    names: dropped('m'),
    data: noData && (dropped('d') || dropped('D')),
    longData: dropped('D'),
    idleSignals: dropped('g'),
    registers: dropped('R'),
    nanoseconds: dropped('F'),
    durations: dropped('T'),
  };
  const waitingData = new Map<StreamId, Map<number, DataFrame[]>>();
  const waitingState = new Map<StreamId, StateFrame[]>();

  const holdData = (stream: StreamId, frame: DataFrame): void => {
    let tasks = waitingData.get(stream);
    if (tasks === undefined) waitingData.set(stream, (tasks = new Map()));
    const frames = tasks.get(frame.task);
    if (frames === undefined) tasks.set(frame.task, [frame]);
    else frames.push(frame);
  };

  /** The data frames of the call `nr` that are kept. */
  const takeData = (stream: StreamId, task: number, nr: number): readonly Frame[] => {
    const tasks = waitingData.get(stream);
    const frames = tasks?.get(task);
    if (frames === undefined) return [];
    tasks!.delete(task);
    return frames
      .filter(({ arg }) => !(isString(rows[nr], arg) ? drops.strings : drops.data))
      .map((frame) =>
        drops.longData && !isString(rows[nr], frame.arg) && frame.bytes.length > DATA_BYTES
          ? { ...frame, bytes: frame.bytes.subarray(0, DATA_BYTES) }
          : frame,
      );
  };

  /** Hashes of registers alone belong to calls (h), unless a bookmark follows. */
  const takeState = (stream: StreamId, frame: Frame): readonly Frame[] => {
    const frames = waitingState.get(stream);
    if (frames === undefined) return [];
    if (frame.type === 'state') return [];
    waitingState.delete(stream);
    return frame.type === 'bookmark' ? frames : frames.filter(({ memory }) => memory !== '');
  };

  const change = (frame: Frame, stream: StreamId): Frame | readonly Frame[] | undefined => {
    switch (frame.type) {
      case 'syscall': {
        const changed = drops.arguments ? { ...frame, args: [] } : frame;
        const data = takeData(stream, frame.task, frame.nr);
        return data.length === 0 ? changed : [...data, changed];
      }
      case 'block': {
        const data = takeData(stream, frame.task, frame.nr);
        return data.length === 0 ? frame : [...data, frame];
      }
      case 'exec':
        return [...takeData(stream, frame.task, EXECVE), frame];
      case 'data':
        holdData(stream, frame);
        return undefined;
      case 'state':
        if (!drops.hashes) return frame;
        waitingState.set(stream, [...(waitingState.get(stream) ?? []), frame]);
        return undefined;
      case 'mapping':
        return drops.names ? { ...frame, mapping: unnamed(frame.mapping) } : frame;
      case 'image':
        return drops.names ? { ...frame, mappings: frame.mappings.map(unnamed) } : frame;
      case 'signal':
        return drops.idleSignals && frame.action !== 'handler' && frame.action !== 'terminate'
          ? undefined
          : frame;
      case 'counters':
        return drops.counters ? undefined : frame;
      case 'resource':
        return drops.resources ? undefined : frame;
      case 'registers':
        return drops.registers ? undefined : frame;
      default:
        return frame;
    }
  };

  return (frame, stream) => {
    const timed = frame.type === 'syscall' && drops.durations ? withoutDuration(frame) : frame;
    const rounded = drops.nanoseconds ? inMicroseconds(timed) : timed;
    const states = takeState(stream, rounded);
    const changed = change(rounded, stream);
    if (states.length === 0) return changed;
    return changed === undefined ? states : states.concat(changed);
  };
}

const EXECVE = 59;

function withoutDuration(frame: SyscallFrame): SyscallFrame {
  return { ...frame, duration: undefined };
}

function inMicroseconds(frame: Frame): Frame {
  const time = wholeMicroseconds(frame.time);
  if (frame.type !== 'syscall' || frame.duration === undefined) return { ...frame, time };
  return { ...frame, time, duration: wholeMicroseconds(frame.duration) };
}

function wholeMicroseconds(ns: number): number {
  return Math.floor(ns / NS_PER_US) * NS_PER_US;
}

function isString(row: SyscallRow | undefined, arg: number): boolean {
  const kind = row?.args[arg]?.type.kind;
  return kind === 'string' || kind === 'strings';
}

function unnamed(mapping: Mapping): Mapping {
  const { backing } = mapping;
  return backing.kind === 'anonymous' ? mapping : { ...mapping, backing: { ...backing, path: '' } };
}
