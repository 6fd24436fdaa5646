/** What the header of a log says about the recording. Stored as JSON so that it can grow. */
export interface LogHeader {
  readonly formatMajor: number;
  readonly formatMinor: number;
  /** scribe-ts version that wrote the log. */
  readonly writer: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly root: string;
  /** The environment in version 1.0; empty since, as the first image has it. */
  readonly env: readonly string[];
  /** Process id of the recorder. Not in logs before 1.1. */
  readonly recorder?: number;
  /** Seconds since 1970 when the recording began. */
  readonly startedAt: number;
  readonly verbosity: string;
  readonly machine: {
    readonly kernel: string;
    readonly arch: string;
    readonly cpu: string;
    readonly cpus: number;
    readonly hostname: string;
    readonly uid: number;
    readonly gid: number;
    readonly pageSize: number;
    /** Number of the CPU that processes with generated code were kept on, where cpuid could not trap and tells it. */
    readonly home?: number;
    /** Event by which branches were counted in hardware, where that can be done: `intel 0x1c4`. */
    readonly counter?: string;
  };
  /** Directory of the content store the log refers to, as an absolute path. */
  readonly store: string;
  /** What this recording did without, and why (e.g. 'personality: EPERM'). */
  readonly missing: readonly string[];
  /** Seed of a chaotic recording. */
  readonly chaos?: number;
  /** Window size and kind of the standard descriptors when the recording began. */
  readonly stdio: readonly {
    readonly fd: number;
    readonly kind: 'tty' | 'pipe' | 'file' | 'socket' | 'null' | 'other' | 'closed';
  }[];
}
