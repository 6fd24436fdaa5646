import type { Frame, StreamId } from '@scribe-ts/tracelog';
import type { DumpOptions } from './format/hex-dump.js';
import type { StampOptions } from './format/stamps.js';
import type { Query } from './query/query.js';

/** How lines look. */
export interface ProfileOptions {
  /**
   * `scribe` (default): a line for each call with its details below; `strace`: as `strace -f` prints it; `raw`: a line
   * for each frame with all its fields.
   */
  readonly form?: 'scribe' | 'strace' | 'raw';
  /** Whether descriptors are printed with what they refer to, `3</etc/hosts>`. Default: numbers alone. */
  readonly descriptors?: 'numbers' | 'names';
  /** Working directory of the recorded command, for `descriptors` and for paths that `query` asks for. */
  readonly cwd?: string;
  /** Prints only the events that it asks for. Give the formatter all frames: it has to know what came before. */
  readonly query?: Query;
  /** Only these tasks: numbers of the log, or thread or process ids as the recorded program saw them. */
  readonly tasks?: readonly number[];
  /** Puts the offset in the file before each line, where records carry one. */
  readonly offsets?: boolean;
  /**
   * Bytes shown of a buffer in a call's arguments. Default: 32 in strace's form; else of what the program wrote, all that
   * the log holds, and of what the kernel stored, 128.
   */
  readonly textBytes?: number;
  /** Columns of times. Not in the raw form, which has them in its fields. */
  readonly times?: StampOptions;
  /** Whose bytes are dumped below their calls. Not in the raw form. */
  readonly dumps?: DumpOptions;
}

/** A frame and where it stands: in which stream, and at which byte of the file. A log's reader gives such. */
export interface LocatedFrame {
  readonly frame: Frame;
  readonly stream?: StreamId;
  readonly offset?: number;
  /** Where the frame begins in its chunk, bytes. */
  readonly position?: number;
}

/** A frame, with or without where it stands. */
export type ProfileRecord = Frame | LocatedFrame;
