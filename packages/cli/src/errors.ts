import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { ExitCode } from './exit-codes.js';

/** A failure with its line for people and its exit code. */
export class CommandError extends Error {
  readonly code: string = 'COMMAND';
  constructor(
    message: string,
    readonly exitCode: number,
    /** What to do about it, '' if there is nothing to say. */
    readonly advice = '',
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

/** The command line is wrong. */
export class UsageError extends CommandError {
  override readonly code = 'USAGE';
  constructor(message: string, advice = '') {
    super(message, ExitCode.Usage, advice);
    this.name = 'UsageError';
  }
}

/** What is known where an error is to be explained. */
export interface ErrorContext {
  /** The command as its user called it: 'record', 'scribe info'. */
  readonly command: string;
  /** The recorded program, for failures to start it. */
  readonly program?: string;
  readonly cwd?: string;
  readonly root?: string;
  /** The log that is read. */
  readonly log?: string;
  /** The file that is written. */
  readonly target?: string;
  readText(path: string): string | undefined;
}

export interface Explanation {
  /** 'cannot …: reason', in one line. */
  readonly message: string;
  readonly advice: string;
  readonly exitCode: number;
}

/** The `code` of a system error or of one of the libraries' errors, '' if it has none. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Words for errnos that libuv, and so Node, has none for. */
const MORE_REASONS: Readonly<Record<string, string>> = {
  ECHILD: 'no child processes',
  EDQUOT: 'disk quota exceeded',
  ENOEXEC: 'exec format error',
  ESTALE: 'stale file handle',
};

/** 'no such file or directory' for 'ENOENT'; the code itself if it is no errno. */
export function reason(code: string): string {
  const more = MORE_REASONS[code];
  if (more !== undefined) return more;
  const number = (constants.errno as Readonly<Record<string, number>>)[code];
  return (number === undefined ? undefined : getSystemErrorMap().get(-number)?.[1]) ?? code;
}

/** Turns any failure into a line, advice and an exit code. */
export function explain(error: unknown, context: ErrorContext): Explanation {
  if (error instanceof CommandError) {
    const { message, exitCode } = error;
    const help = exitCode === ExitCode.Usage ? `see '${context.command} --help'` : '';
    return { message, advice: error.advice || help, exitCode };
  }
  if (errorCode(error) === 'QUERY_INVALID') {
    return {
      message: oneLine((error as Error).message),
      advice: `see '${context.command} --help'`,
      exitCode: ExitCode.Usage,
    };
  }
  if (errorCode(error).startsWith('LOG_')) return explainLog(error as Error, context);
  if (errorCode(error) === 'CONTENT_MISSING') return missingContent(error as Error);
  if (errorCode(error) === 'STORE_WRITE') return explainStore(error as Error);
  if (error instanceof Error && ADDON.test(error.message)) return withoutAddon(error);
  const { syscall, path } = fileFailure(error);
  if (syscall !== '') return explainFile(syscall, path, errorCode(error), context);
  const operation = (error as { operation?: unknown } | null)?.operation;
  if (error instanceof Error && typeof operation === 'string') {
    return explainStart(error, operation, context);
  }
  return internal(error);
}

/** In what Node says of a compiled module that is not there, or not for this machine or this Node. */
const ADDON = /\bcore_native\.node\b/;

function withoutAddon({ message }: Error): Explanation {
  const missing = message.startsWith('Cannot find module');
  return {
    message: missing
      ? 'the compiled part of scribe-ts is not built here'
      : `cannot load the compiled part of scribe-ts: ${oneLine(message)}`,
    advice: "'npm run build' builds it, on Linux; reading logs works without",
    exitCode: ExitCode.CannotStart,
  };
}

const WRITE_ADVICE: Readonly<Record<string, string>> = {
  EDQUOT: 'make room and try again',
  EFBIG: 'see ulimit -f',
  EISDIR: 'name a file',
  ENOSPC: 'make room and try again',
  ESPIPE: 'a log must be a file, not a pipe or a terminal',
};

/** An error of tracelog's: its message says which file and what is wrong with it. */
function explainLog(error: Error, { target }: ErrorContext): Explanation {
  const message = oneLine(error.message);
  const unreadable = (advice: string): Explanation => ({
    message,
    advice,
    exitCode: ExitCode.LogUnreadable,
  });
  switch (errorCode(error)) {
    case 'LOG_NOT_A_LOG':
      return unreadable('give a file that record wrote');
    case 'LOG_NEWER_FORMAT':
    case 'LOG_UNKNOWN_SYSCALL':
      return unreadable('read it with a newer scribe-ts');
    case 'LOG_CORRUPT':
      return unreadable('copy it again from where it came');
    case 'LOG_NO_CONTENT':
      return missingContent(error);
    case 'LOG_CONTENT_CHANGED':
      return unreadable('the store is damaged; use a packed log');
    default: {
      const errno = errnoOf(error);
      return {
        message: errno === '' ? message : `cannot write ${target ?? 'the log'}: ${reason(errno)}`,
        advice: WRITE_ADVICE[errno] ?? '',
        exitCode: ExitCode.LogWriteFailed,
      };
    }
  }
}

/** A mapped file could not be kept: the error's message says where. */
function explainStore(error: Error): Explanation {
  const errno = errnoOf(error);
  return {
    message: oneLine(error.message).replace(errno, reason(errno)),
    advice: 'name another store with --store or SCRIBE_STORE',
    exitCode: ExitCode.LogWriteFailed,
  };
}

/** A mapped file that the log refers to is not to be found. */
function missingContent(error: Error): Explanation {
  return {
    message: oneLine(error.message),
    advice: "say with --store where the files are, or use 'scribe pack' where they are",
    exitCode: ExitCode.LogUnreadable,
  };
}

/** The operation of Node's file system that failed, from the error's message alone if it has crossed threads. */
function fileFailure(error: unknown): { readonly syscall: string; readonly path?: string } {
  if (!(error instanceof Error)) return { syscall: '' };
  const { syscall, path } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) return path === undefined ? { syscall } : { syscall, path };
  const parts = /^E[A-Z0-9]+: [^,]+, (\w+)(?: '([^']*)')?/.exec(error.message);
  if (parts === null) return { syscall: '' };
  const [, name = '', file] = parts;
  return file === undefined ? { syscall: name } : { syscall: name, path: file };
}

/** A file operation of Node's failed. */
function explainFile(
  syscall: string,
  path: string | undefined,
  code: string,
  { log, target, program }: ErrorContext,
): Explanation {
  const writing = path === undefined ? syscall !== 'read' : path !== log;
  const name = path ?? (writing ? target : log) ?? 'the file';
  return {
    message: `cannot ${writing ? 'write' : 'read'} ${name}: ${reason(code)}`,
    advice:
      code === 'ENOSPC'
        ? 'make room and try again'
        : writing && program !== undefined && name !== target
          ? 'name another store with --store or SCRIBE_STORE'
          : '',
    exitCode: writing ? ExitCode.LogWriteFailed : ExitCode.LogUnreadable,
  };
}

/** Recording could not begin; `operation` is the step of starting the program that failed. */
function explainStart(error: Error, operation: string, context: ErrorContext): Explanation {
  const errno = errnoOf(error);
  const why = errno === '' ? oneLine(error.message) : reason(errno);
  const cannotStart = (what: string, advice: string): Explanation => ({
    message: `cannot ${what}: ${why}`,
    advice,
    exitCode: ExitCode.CannotStart,
  });
  switch (errorCode(error)) {
    case 'NOT_FOUND':
      return explainExec('ENOENT', context);
    case 'NOT_EXECUTABLE':
      return explainExec('EACCES', context);
    case 'NOT_READABLE':
      return {
        message: `cannot read ${context.program ?? 'the program'}: ${reason('EACCES')}`,
        advice:
          'a program that may only be executed cannot be traced; record it as a user who may read it',
        exitCode: ExitCode.NotExecutable,
      };
    case 'USAGE':
      return {
        message: oneLine(error.message),
        advice: `see '${context.command} --help'`,
        exitCode: ExitCode.Usage,
      };
    case 'PTRACE_REFUSED':
      return ptraceRefused(errno, why, context);
  }
  switch (operation) {
    case 'ptrace':
      return ['EPERM', 'EACCES', 'ENOSYS'].includes(errno)
        ? ptraceRefused(errno, why, context)
        : internal(error);
    case 'execve':
    case 'exec':
      return explainExec(errno, context);
    case 'chdir':
      return cannotStart(`enter directory ${context.cwd ?? '.'}`, 'see -c');
    case 'chroot':
      return cannotStart(
        `make ${context.root ?? 'the directory'} the root`,
        errno === 'EPERM' ? 'chroot needs root (CAP_SYS_CHROOT)' : 'see -r',
      );
    case 'unshare':
      return cannotStart(
        'make a network namespace',
        'leave out -n, or run where user namespaces are allowed',
      );
    case 'fork':
    case 'clone':
      return cannotStart('make a process', 'see ulimit -u and the memory limit');
    default:
      return internal(error);
  }
}

function internal(error: unknown): Explanation {
  return {
    message: `internal error: ${oneLine(error instanceof Error ? error.message : String(error))}`,
    advice: 'SCRIBE_DEBUG=1 shows where; please report it',
    exitCode: ExitCode.Internal,
  };
}

/** Name of the errno an error carries, in its fields or, once it has crossed threads, only in its message; '' if none. */
export function errnoOf(error: { readonly message: string; readonly code?: unknown }): string {
  const { errno } = error as { errno?: unknown };
  if (typeof errno === 'string' && errno in constants.errno) return errno;
  const code = errorCode(error);
  if (code in constants.errno) return code;
  // What Node calls an errno that libuv has no name for.
  const number = Number(/\bUnknown system error -(\d+)/.exec(`${code} ${error.message}`)?.[1]);
  for (const [name, value] of Object.entries(constants.errno)) if (value === number) return name;
  for (const word of error.message.match(/\bE[A-Z0-9]+\b/g) ?? []) {
    if (word in constants.errno) return word;
  }
  return '';
}

function explainExec(code: string, context: ErrorContext): Explanation {
  const program = context.program ?? 'the program';
  if (code === '') {
    return { message: `cannot execute ${program}`, advice: '', exitCode: ExitCode.NotExecutable };
  }
  switch (code) {
    case 'ENOENT':
      return {
        message: `cannot find ${program}`,
        advice: program.includes('/')
          ? 'check the path, and the interpreter in its first line if it is a script'
          : 'check the spelling and PATH',
        exitCode: ExitCode.NotFound,
      };
    case 'ENOEXEC':
      return {
        message: `cannot execute ${program}: ${reason(code)}`,
        advice: `it has no '#!' line and is no x86-64 program; for a shell script use 'sh ${program}'`,
        exitCode: ExitCode.NotExecutable,
      };
    default:
      return {
        message: `cannot execute ${program}: ${reason(code)}`,
        advice: code === 'EACCES' ? 'check its permissions (chmod +x)' : '',
        exitCode: ExitCode.NotExecutable,
      };
  }
}

function ptraceRefused(errno: string, why: string, context: ErrorContext): Explanation {
  return {
    message: `cannot trace ${context.program ?? 'the program'}: ptrace: ${why}`,
    advice:
      errno === 'ENOSYS'
        ? 'that is what a program is told that is recorded itself: run record outside of the recording'
        : ptraceAdvice(context),
    exitCode: ExitCode.PtraceRefused,
  };
}

/** Says which of the things that refuse ptrace is at work here. */
function ptraceAdvice({ readText }: ErrorContext): string {
  if (readText('/proc/sys/kernel/yama/ptrace_scope')?.trim() === '3') {
    return 'this kernel forbids all tracing (kernel.yama.ptrace_scope is 3 until the next boot)';
  }
  const status = readText('/proc/self/status') ?? '';
  const tracer = /^TracerPid:\t([1-9]\d*)$/m.exec(status)?.[1];
  if (tracer !== undefined) {
    return `process ${tracer} traces record itself, children included; run it without`;
  }
  if (/^Seccomp:\t2$/m.test(status)) {
    return 'a seccomp filter refuses it: start the container with --cap-add=SYS_PTRACE, or with a seccomp profile that allows ptrace';
  }
  return "check kernel.yama.ptrace_scope, security modules and the container's privileges (--cap-add=SYS_PTRACE)";
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ');
}
