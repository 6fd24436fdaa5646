import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type Outcome, root, run, workspace } from '../harness.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const BIN = join(root, 'packages/cli/bin');
export const STORE = join(root, 'build/store');
const TIMEOUT_MS = 300_000;
/** How often each recording is replayed: each time in the next of the surroundings. */
const REPLAYS = Number(process.env.REPLAYS ?? 3);
/** Characters around the first difference that a failure shows. */
const EXCERPT = 300;

/** What a recorded program sees as PATH: the system's programs before anything a user has put in front of them. */
const PATH = [
  '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  dirname(process.execPath),
].join(delimiter);

/** Full path of a command, undefined if there is none. */
export function find(command: string): string | undefined {
  if (command.startsWith('/')) return existsSync(command) ? command : undefined;
  for (const directory of `${PATH}${delimiter}${process.env.PATH ?? ''}`.split(delimiter)) {
    const path = join(directory, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** The environment of recorded programs: the same on every machine. */
export const environment: NodeJS.ProcessEnv = {
  PATH,
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  TERM: 'xterm',
  TZ: 'UTC',
  NO_COLOR: '1',
};

/** A recording under way. */
export class Recording {
  readonly outcome: Promise<Outcome>;
  private readonly stdout: Buffer[] = [];
  private readonly stderr: Buffer[] = [];

  constructor(
    readonly child: ChildProcess,
    private readonly what: string,
  ) {
    child.stdout!.on('data', (data: Buffer) => this.stdout.push(data));
    child.stderr!.on('data', (data: Buffer) => this.stderr.push(data));
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    this.outcome = once(child, 'close').then(([code, signal]) => {
      clearTimeout(timer);
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: Buffer.concat(this.stdout).toString('latin1'),
        stderr: Buffer.concat(this.stderr).toString('latin1'),
      };
    });
  }

  /** Resolves once `text` has come on standard output or error; rejects if the program ends before. */
  printed(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const all = Buffer.concat([...this.stdout, ...this.stderr]).toString('latin1');
        if (all.includes(text)) resolve();
      };
      this.child.stdout!.on('data', look);
      this.child.stderr!.on('data', look);
      this.child.on('close', () => {
        const said = Buffer.concat([...this.stdout, ...this.stderr]).toString('latin1');
        reject(new Error(`${this.what} ended before it printed '${text}', after: ${said}`));
      });
      look();
    });
  }

  /** Resolves once somebody accepts connections at a local port; rejects if the program ends before. */
  async listens(port: number): Promise<void> {
    while (this.child.exitCode === null && this.child.signalCode === null) {
      if (await accepts(port)) return;
    }
    const { stdout, stderr } = await this.outcome;
    throw new Error(`${this.what} ended before it listened, after: ${stdout}${stderr}`);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** A local port that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Place {
  /** Where the program runs; gone when it is replayed. */
  readonly path: string;
  readonly port: number;
}

export interface Program {
  /** Commands that must be there; or files, by their full paths. */
  readonly needs?: readonly string[];
  /** Files of test/programs that are copied to where the program runs. */
  readonly files?: readonly string[];
  /** Makes more inputs. */
  readonly prepare?: (place: Place) => void | Promise<void>;
  readonly command: readonly string[] | ((place: Place) => readonly string[]);
  /** Options of `record`. */
  readonly options?: readonly string[];
  /** What happens outside while the program is being recorded. */
  readonly meanwhile?: (place: Place, recording: Recording) => void | Promise<void>;
  /** Looks at what the program did when it was recorded. */
  readonly expect?: (t: ExecutionContext, recorded: Outcome) => void;
  /** Exit status; default 0. */
  readonly code?: number;
  /** Runs after the recording, whatever its end. */
  readonly cleanUp?: () => void;
}

/**
 * A test that records a program once, takes its inputs away, replays it in three surroundings (REPLAYS times in all), and
 * shows it with profiler.
 */
export function program(title: string, made: Program): void {
  const missing = (made.needs ?? []).filter((command) => find(command) === undefined);
  if (missing.length > 0) {
    test.skip(`${title} (not here: ${missing.join(', ')})`, () => {});
    return;
  }
  // One after the other: each keeps all CPUs busy by itself.
  test.serial(title, async (t) => {
    t.timeout(4 * TIMEOUT_MS);
    const space = workspace('program');
    const place = { path: join(space.path, 'work'), port: await freePort() };
    const log = join(space.path, 'program.log');
    mkdirSync(place.path);
    copyFiles(made.files ?? [], place.path);
    await made.prepare?.(place);
    const startedAt = performance.now();
    const recorded = await record(made, place, log);
    const recordedAt = performance.now();
    t.is(recorded.code, made.code ?? 0, `${tail(recorded.stdout)}\n${tail(recorded.stderr)}`);
    made.expect?.(t, recorded);
    // What the program read and wrote is gone, as are those it talked to.
    rmSync(place.path, { recursive: true, force: true });
    await replayThrice(t, log, recorded, REPLAYS);
    const replayedAt = performance.now();
    await profile(t, log);
    t.log(
      `record ${seconds(recordedAt - startedAt)}, replay ${seconds((replayedAt - recordedAt) / REPLAYS)}, ` +
        `profiler ${seconds(performance.now() - replayedAt)}`,
    );
    space.discard();
  });
}

/** Compiles NAME.go in `directory`, without cgo and without modules. */
export function buildGo(directory: string, name: string): void {
  execFileSync(find('go')!, ['build', '-o', name, `${name}.go`], {
    cwd: directory,
    // There may be no home to cache in.
    env: {
      ...process.env,
      CGO_ENABLED: '0',
      GO111MODULE: 'off',
      GOFLAGS: '',
      GOCACHE: join(root, 'build/go-cache'),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Copies files of test/programs to where a program runs. */
export function copyFiles(files: readonly string[], directory: string): void {
  for (const file of files) cpSync(join(HERE, file), join(directory, file));
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const tail = (text: string): string => text.slice(-1500);

async function record(made: Program, place: Place, log: string): Promise<Outcome> {
  const command = typeof made.command === 'function' ? made.command(place) : made.command;
  const options = ['--state-hashes', '--store', STORE, '-o', log, ...(made.options ?? [])];
  const args = [join(BIN, 'record.js'), ...options, ...command];
  const child = spawn(process.execPath, args, {
    cwd: place.path,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const recording = new Recording(child, command.join(' '));
    await made.meanwhile?.(place, recording);
    return await recording.outcome;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    made.cleanUp?.();
  }
}

const unshare = ((): readonly string[] | undefined => {
  for (const options of ['-n', '-rn']) {
    try {
      execFileSync('unshare', [options, 'true'], { stdio: 'ignore' });
      return ['unshare', options];
    } catch {
      // No such right, or no such program.
    }
  }
  return undefined;
})();

/** What a replay must not depend on. */
const SURROUNDINGS: readonly (readonly string[])[] = [
  ['env', '-i', 'HOME=/tmp'],
  unshare ?? ['env', '-u', 'LANG'],
  ['sh', '-c', 'ulimit -s 4096; exec "$@"', 'sh'],
];

/** Replays in each of the surroundings; what the replays print must be what was recorded, or at least what all print. */
export async function replayThrice(
  t: ExecutionContext,
  log: string,
  recorded: Partial<Outcome>,
  replays = SURROUNDINGS.length,
): Promise<Outcome> {
  let expected = recorded;
  if (unshare === undefined) t.log('replayed with the network there: unshare -n is refused');
  const states = new Set<string>();
  for (let i = 0; i < replays; i++) {
    const [file, ...prefix] = SURROUNDINGS[i % SURROUNDINGS.length]!;
    const command = [process.execPath, join(BIN, 'replay.js'), '--state-hashes', log];
    const replayed = await run(file!, [...prefix, ...command], {
      cwd: '/',
      timeoutMs: TIMEOUT_MS,
    });
    const stderr = replayed.stderr.replace(
      /replay: end state ([0-9a-f]+)\n$/,
      (_, hash: string) => {
        states.add(hash);
        return '';
      },
    );
    const again = `once more: ${[file, ...prefix, ...command].join(' ')}`;
    expected = { ...replayed, stderr, ...expected };
    same(t, stderr, expected.stderr!, `standard error; ${again}`);
    same(t, replayed.stdout, expected.stdout!, `standard output; ${again}`);
    t.is(replayed.code, expected.code!, again);
    t.is(replayed.signal, expected.signal!, again);
  }
  t.is(states.size, 1, `end states: ${[...states].join(' ')}`);
  return expected as Outcome;
}

/** As t.is, for texts of many megabytes. */
function same(t: ExecutionContext, actual: string, expected: string, what: string): void {
  if (actual === expected) {
    t.pass();
    return;
  }
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  const part = (text: string): string => text.slice(Math.max(0, at - 50), at + EXCERPT);
  t.fail(
    `differs from offset ${at} of ${expected.length} on: ${what}\n` +
      `recorded: ${JSON.stringify(part(expected))}\nreplayed: ${JSON.stringify(part(actual))}`,
  );
}

async function profile(t: ExecutionContext, log: string): Promise<void> {
  const { code, stdout, stderr } = await run(process.execPath, [join(BIN, 'profiler.js'), log], {
    timeoutMs: TIMEOUT_MS,
  });
  t.is(stderr, '');
  t.is(code, 0);
  t.true(stdout.startsWith('[02] '), stdout.slice(0, EXCERPT));
  t.regex(tail(stdout), /\] --- /);
}
