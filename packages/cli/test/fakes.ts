import type { Recording, RecordOptions, RecordResult } from '@scribe-ts/recorder';
import type { Deps, RecorderModule, VerbosityModule } from '../src/deps.js';
import type { FakeHost } from './fake-host.js';

export const EXITED: RecordResult = {
  status: 0,
  detached: false,
  syscalls: 42,
  tasks: 1,
  notes: [],
  missing: [],
  ended: false,
};

export const LETTERS: VerbosityModule = {
  VERBOSITY_LETTERS: 'abcr',
  VERBOSITY_MEANING: { a: 'first', b: 'second', c: 'third', r: 'fourth' },
  DEFAULT_VERBOSITY: 'ac',
};

/** A recorder that records nothing: it keeps what it was asked and ends when the test says so. */
export class FakeRecorder {
  options: RecordOptions | undefined;
  readonly calls: string[] = [];
  recording: Recording | undefined;
  bookmarkFailure: Error | undefined;
  private finish!: (result: RecordResult) => void;
  private fail!: (error: Error) => void;
  private begun!: () => void;
  /** Resolves once the command has called record(). */
  readonly started = new Promise<void>((resolve) => (this.begun = resolve));

  constructor(private readonly startFailure?: Error) {}

  readonly module: RecorderModule = {
    record: (options) => {
      this.options = options;
      if (this.startFailure !== undefined) return Promise.reject(this.startFailure);
      this.recording = {
        pid: 77,
        bookmark: () => {
          this.calls.push('bookmark');
          return this.bookmarkFailure ? Promise.reject(this.bookmarkFailure) : Promise.resolve(5);
        },
        detach: () => {
          this.calls.push('detach');
          return Promise.resolve();
        },
        kill: (signal) => this.calls.push(`kill ${signal}`),
        end: (stuckMs) => this.calls.push(`end ${stuckMs}`),
        finished: new Promise((resolve, reject) => {
          this.finish = resolve;
          this.fail = reject;
        }),
      };
      // The command connects its signals in the turn in which it gets the recording.
      setImmediate(this.begun);
      return Promise.resolve(this.recording);
    },
  };

  end(result: Partial<RecordResult> = {}): void {
    this.finish({ ...EXITED, ...result });
  }

  breakDown(error: Error): void {
    this.fail(error);
  }
}

/** The commands' surroundings with this recorder; every other library is out of reach. */
export function depsWith(host: FakeHost, parts: Partial<Omit<Deps, 'host'>>): Deps {
  const missing = (name: string) => () => Promise.reject(new Error(`${name} is not needed here`));
  return {
    host,
    recorder: missing('the recorder'),
    verbosity: () => Promise.resolve(LETTERS),
    replayer: missing('the replayer'),
    sessions: missing('a replay in steps'),
    profiler: missing('the profiler'),
    tracelog: missing('tracelog'),
    view: missing('the view'),
    ...parts,
  };
}
