import { ByteSource } from './bytes.js';
import { FRAME_TABLE } from './frame-table.js';

const CONNECTION = FRAME_TABLE.connection.code;
const SYSCALL = FRAME_TABLE.syscall.code;

/** A `connection` frame within a run of frames. */
export interface ConnectionInRun {
  /** Of the frame, and of the one before it, counted as the run's base is, ns. */
  readonly time: number;
  readonly before: number;
  /** Where the encoded number is, and how many bytes it has. */
  readonly offset: number;
  readonly length: number;
  /** Views of the run. */
  readonly local: Uint8Array;
  readonly peer: Uint8Array;
}

/**
 * Finds the `connection` frames of a run as LogWriter.appendRun takes it, so that they can be given other numbers of the same
 * length. `base`: time of the frame before the run, ns. Throws MalformedError.
 */
export function connectionsInRun(run: Uint8Array, base: number): ConnectionInRun[] {
  const source = new ByteSource(run);
  const found: ConnectionInRun[] = [];
  let before = base;
  while (source.pos < run.length) {
    const code = source.byte();
    const length = source.uint();
    const end = source.pos + length;
    const time = before + source.int();
    if (code === CONNECTION) {
      const offset = source.pos;
      source.uint();
      const { pos } = source;
      found.push({
        time,
        before,
        offset,
        length: pos - offset,
        local: source.bytes(),
        peer: source.bytes(),
      });
    }
    before = time;
    source.pos = end;
  }
  return found;
}

/** What is in a run. */
export interface RunContent {
  readonly frames: number;
  readonly calls: number;
  readonly connections: number;
  /** Of the last frame, counted as the run's base is, ns. */
  readonly time: number;
}

/** Counts the frames of a run as LogWriter.appendRun takes it. `base`: time of the frame before the run, ns. Throws MalformedError. */
export function countRun(run: Uint8Array, base: number): RunContent {
  const source = new ByteSource(run);
  let frames = 0;
  let calls = 0;
  let connections = 0;
  let time = base;
  while (source.pos < run.length) {
    const code = source.byte();
    const length = source.uint();
    const end = source.pos + length;
    time += source.int();
    frames++;
    if (code === SYSCALL) calls++;
    else if (code === CONNECTION) connections++;
    source.pos = end;
  }
  return { frames, calls, connections, time };
}
