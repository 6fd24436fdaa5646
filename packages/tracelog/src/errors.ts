/** What can go wrong with a log. Classes carry facts; `code` is stable, messages are for people. */

export type LogErrorCode =
  | 'LOG_NOT_A_LOG'
  | 'LOG_NEWER_FORMAT'
  | 'LOG_CORRUPT'
  | 'LOG_DISK_FULL'
  | 'LOG_WRITE'
  | 'LOG_NO_CONTENT'
  | 'LOG_CONTENT_CHANGED'
  | 'LOG_UNKNOWN_SYSCALL';

/** A log could not be read or written. `code` begins with LOG_ and stays the same from version to version. */
export class LogError extends Error {
  override readonly name: string = 'LogError';
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The file does not begin as a log does. */
export class NotALogError extends LogError {
  override readonly name = 'NotALogError';

  constructor(
    readonly path: string,
    why: string,
  ) {
    super('LOG_NOT_A_LOG', `${path} is not a log: ${why}`);
  }
}

/** The log has something in it that this version must understand and does not. */
export class UnsupportedFormatError extends LogError {
  override readonly name = 'UnsupportedFormatError';

  constructor(
    readonly path: string,
    what: string,
  ) {
    super('LOG_NEWER_FORMAT', `${path} was written by a newer version: ${what}`);
  }
}

/** The bytes at `offset` of the file are not what was written. Everything before them can be read. */
export class LogCorruptError extends LogError {
  override readonly name = 'LogCorruptError';

  constructor(
    readonly path: string,
    /** Byte offset in the file of the damaged header or chunk. */
    readonly offset: number,
    /** What does not fit. */
    readonly detail: string,
  ) {
    super('LOG_CORRUPT', `${path} is damaged at byte ${offset}: ${detail}`);
  }
}

/** The log could not be written on. The file has been cut back to its last whole chunk and can be read. */
export class LogWriteError extends LogError {
  override readonly name = 'LogWriteError';
  /** Name of the errno, e.g. 'ENOSPC'. */
  readonly errno: string;

  constructor(
    readonly path: string,
    cause: unknown,
  ) {
    const errno = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'EIO';
    const full = errno === 'ENOSPC' || errno === 'EDQUOT';
    super(
      full ? 'LOG_DISK_FULL' : 'LOG_WRITE',
      full ? `no space is left for ${path} (${errno})` : `${path} cannot be written: ${errno}`,
      { cause },
    );
    this.errno = errno;
  }
}

/** A file that was to go into the log or come out of it is not what it should be. */
export class LogContentError extends LogError {
  override readonly name = 'LogContentError';

  constructor(
    code: 'LOG_NO_CONTENT' | 'LOG_CONTENT_CHANGED',
    readonly hash: string,
    message: string,
  ) {
    super(code, message);
  }
}

/** Thrown inside the codec where bytes make no sense; readers turn it into a LogCorruptError with the file's offset. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** Thrown inside the codec at a mandatory frame or chunk of unknown type; readers turn it into an UnsupportedFormatError. */
export class UnknownTypeError extends Error {
  override readonly name = 'UnknownTypeError';
}
