/** What the page is told of a log besides its events. Everything here goes through JSON. */

/** A program that a task ran. */
export interface Exec {
  readonly time: number;
  readonly path: string;
  readonly argv: readonly string[];
}

/** A task, from its start to its end. */
export interface TaskFacts {
  readonly uid: number;
  readonly parent: number;
  /** Thread and thread group ids as the recorded program saw them. */
  readonly tid: number;
  readonly pid: number;
  readonly name: string;
  /** ns since the recording began. */
  readonly born: number;
  /** Undefined if the log does not tell of its end. */
  readonly died?: number;
  /** Wait status, as waitpid gives it. */
  readonly status?: number;
  /** It left the recording and ran on by itself. */
  readonly detached?: true;
  readonly execs: readonly Exec[];
  readonly events: number;
  readonly failed: number;
  /** Streams that its frames are in, each from one of its events on. */
  readonly streams: readonly { readonly event: number; readonly stream: number }[];
}

/** A file, socket or other object that calls used. */
export interface FileFacts {
  /** Number of the resource. */
  readonly id: number;
  readonly name: string;
  readonly events: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** When it was used first, ns. */
  readonly first: number;
}

/** The log as a whole: tasks, marks, and what the page needs once. */
export interface LogFacts {
  /** Name of the log's file. */
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  /** Seconds since 1970. */
  readonly startedAt: number;
  readonly machine: string;
  readonly verbosity: string;
  /** Bytes of the file. */
  readonly bytes: number;
  readonly frames: number;
  readonly events: number;
  readonly failed: number;
  /** Time of the last event, ns. */
  readonly duration: number;
  readonly tasks: readonly TaskFacts[];
  readonly bookmarks: readonly {
    readonly id: number;
    readonly time: number;
    readonly name: string;
  }[];
  readonly notes: readonly {
    readonly time: number;
    readonly task: number;
    readonly text: string;
  }[];
  readonly notesLeftOut: number;
  /** What is wrong with the log, for people: '' if nothing. */
  readonly truncated: string;
  readonly damaged: string;
  /** Category numbers by code, names of calls by number. */
  readonly categories: readonly number[];
  readonly calls: readonly string[];
  readonly histogram: HistogramFacts;
}

/** The whole recording in even steps. */
export interface HistogramFacts {
  /** Width of a step, ns. */
  readonly step: number;
  readonly events: readonly number[];
  readonly failed: readonly number[];
}
