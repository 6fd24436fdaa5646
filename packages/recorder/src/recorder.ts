import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { interrupt, startThread } from '@scribe-ts/core-native';
import type { Recording, RecordOptions, RecordResult } from './options.js';
import type { Report, Request } from './protocol.js';
import { parseVerbosity } from './verbosity.js';

/** Recording could not begin, or broke down. `code`: NOT_FOUND, NOT_EXECUTABLE, NOT_READABLE, USAGE, PTRACE_REFUSED, START_FAILED, or INTERNAL. */
export class RecordError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly operation: string = '',
    /** Name of the errno behind it, e.g. 'ENOENT'; '' if there is none. */
    readonly errno: string = '',
  ) {
    super(message);
    this.name = 'RecordError';
  }
}

/** How long frames of a program that idles may stay in memory. */
const FLUSH_MS = 100;

/** Looks a command up as execvp does. */
function findCommand(command: string, env: readonly string[], cwd: string): string {
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : (env.find((entry) => entry.startsWith('PATH='))?.slice(5) ?? '/usr/bin:/bin')
        .split(delimiter)
        .map((directory) => join(resolve(cwd, directory), command));
  let found = '';
  for (const candidate of candidates) {
    try {
      if (!statSync(candidate).isFile()) continue;
      found = candidate;
      accessSync(candidate, constants.X_OK);
    } catch {
      // Not this one.
      continue;
    }
    try {
      accessSync(candidate, constants.R_OK);
    } catch {
      throw new RecordError(`${candidate} is not readable`, 'NOT_READABLE', 'access');
    }
    return candidate;
  }
  if (found !== '') throw new RecordError(`${found} is not executable`, 'NOT_EXECUTABLE', 'access');
  throw new RecordError(`${command}: command not found`, 'NOT_FOUND', 'stat');
}

/**
 * Records a command with all its children. Resolves once the command has been started; `finished` resolves when every
 * process of it has ended, or the recording was detached.
 *
 * Throws RecordError if it cannot be started.
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const [command] = options.command;
  if (command === undefined || command === '') throw new RecordError('no command given', 'USAGE');
  parseVerbosity(options.verbosity);
  const { chaos, agent } = options;
  if (chaos !== undefined) {
    if (!Number.isInteger(chaos) || chaos < 0 || chaos >= 2 ** 32)
      throw new RecordError(`not a seed: ${chaos}`, 'USAGE');
    if (agent === true) throw new RecordError('chaos and the agent exclude each other', 'USAGE');
  }
  // Inside another root the lookup is the child's own business.
  const file =
    options.root === undefined ? findCommand(command, options.env, options.cwd ?? '.') : command;
  const worker = startThread(new URL('./worker.js', import.meta.url), {
    workerData: { options, file },
  });
  let token = 0;
  let nextId = 1;
  const answers = new Map<number, { resolve(value: number): void; reject(error: Error): void }>();
  let finish!: (result: RecordResult) => void;
  let fail!: (error: Error) => void;
  const finished = new Promise<RecordResult>((resolvePromise, reject) => {
    finish = resolvePromise;
    fail = reject;
  });
  // Whoever never looks at `finished` has seen the failure at the start.
  finished.catch(() => {});

  const ask = (request: Request): void => {
    worker.postMessage(request);
    interrupt(token);
  };
  const askAndWait = (make: (id: number) => Request): Promise<number> => {
    const id = nextId++;
    return new Promise((resolvePromise, reject) => {
      answers.set(id, { resolve: resolvePromise, reject });
      ask(make(id));
    });
  };

  const recording: Recording = await new Promise((started, refuse) => {
    worker.on('error', (error) => {
      refuse(error);
      fail(error);
    });
    worker.on('exit', () => {
      for (const answer of answers.values())
        answer.reject(new RecordError('the recording has ended', 'ENDED'));
      fail(new RecordError('the recording ended without a result', 'INTERNAL'));
    });
    worker.on('message', (report: Report) => {
      switch (report.type) {
        case 'started':
          token = report.interruptToken;
          started({
            pid: report.pid,
            bookmark: () => askAndWait((id) => ({ type: 'bookmark', id })),
            detach: async () => {
              await askAndWait((id) => ({ type: 'detach', id }));
            },
            kill: (signal) => {
              ask({ type: 'kill', signal });
            },
            end: (stuckMs = 0) => {
              ask({ type: 'end', stuckMs });
            },
            finished,
          });
          return;
        case 'answer': {
          const waiting = answers.get(report.id);
          answers.delete(report.id);
          if (report.error === undefined) waiting?.resolve(report.value);
          else waiting?.reject(new RecordError(report.error, 'ENDED'));
          return;
        }
        case 'stopped':
          recording.onStopped?.(report.signal);
          return;
        case 'finished':
          finish(report.result);
          return;
        case 'failed': {
          const { failure } = report;
          const error = new RecordError(
            failure.message,
            failure.code,
            failure.operation,
            failure.errno,
          );
          error.stack = failure.stack;
          refuse(error);
          fail(error);
          return;
        }
      }
    });
  });
  const flushing = setInterval(() => {
    interrupt(token);
  }, FLUSH_MS);
  flushing.unref();
  let timer: NodeJS.Timeout | undefined;
  if (options.autoBookmarkSeconds !== undefined && options.autoBookmarkSeconds > 0) {
    timer = setInterval(() => {
      recording.bookmark().catch(() => {});
    }, options.autoBookmarkSeconds * 1000);
  }
  finished
    .catch(() => {})
    .finally(() => {
      clearInterval(timer);
      clearInterval(flushing);
    });
  return recording;
}
