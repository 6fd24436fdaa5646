import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root, run, scribe, workspace } from './harness.js';
import { copyFiles, environment, find, program, replayThrice, STORE } from './programs/driver.js';

const text = Array.from({ length: 100 }, (_, i) => `line ${i + 1}\n`).join('');

/*
 * vim 9.0 looks for typed keys with a time limit of zero, from which it takes the milliseconds since it began to look. Should
 * one pass between two looks at its clock, the limit becomes negative, and it waits for ever for a key. That happens to it
 * without us as well, if gettimeofday is slow or the machine is loaded: so its steps begin with a `nudge`.
 */
const SESSIONS = [
  { name: 'vim', command: ['vim', '-u', 'NONE', '-N', '-n', 'text'], code: 0, expect: /LINE 100/ },
  { name: 'less', command: ['less', 'text'], code: 0, expect: /from 42\r?\n/ },
  {
    name: 'bash',
    command: ['env', 'PS1=ready> ', 'bash', '--norc', '--noprofile', '-i'],
    code: 7,
    expect: /got data\r?\n/,
  },
] as const;

for (const { name, command, code, expect } of SESSIONS) {
  const steps = `${name}.steps`;
  const files = ['terminal.py', steps];

  program(`${name} on a terminal whose driver is recorded as well`, {
    needs: ['python3', name],
    files,
    prepare: ({ path }) => writeFileSync(join(path, 'text'), text),
    command: ['python3', 'terminal.py', steps, ...command],
    code,
    expect: (t, { stdout }) => t.regex(stdout, expect),
  });

  const title = `${name} on a terminal that is driven from outside`;
  if (find('python3') === undefined || find(name) === undefined) {
    test.skip(`${title} (not here: python3 or ${name})`, () => {});
    continue;
  }
  test.serial(title, async (t) => {
    const place = workspace('terminal');
    const work = join(place.path, 'work');
    const log = join(place.path, 'terminal.log');
    mkdirSync(work);
    copyFiles(files, work);
    writeFileSync(join(work, 'text'), text);
    const record = [process.execPath, join(root, 'packages/cli/bin/record.js')];
    const options = ['--state-hashes', '--store', STORE, '-o', log];
    const child = spawn(
      find('python3')!,
      ['terminal.py', steps, ...record, ...options, ...command],
      {
        cwd: work,
        env: environment,
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 300_000,
      },
    );
    let shown = '';
    child.stdout.setEncoding('latin1').on('data', (data: string) => (shown += data));
    const [status] = (await once(child, 'close')) as [number | null];
    t.is(status, code, shown);
    t.regex(shown, expect);
    rmSync(work, { recursive: true });
    await replayThrice(t, log, { code });
    const replay = [process.execPath, join(root, 'packages/cli/bin/replay.js'), log];
    const { stdout: replayed } = await run('sh', ['-c', 'exec "$@" 2>&1', 'sh', ...replay]);
    // The recording's terminal echoed what was typed besides, and put returns before newlines.
    for (const line of withoutReturns(replayed).split('\n')) {
      t.true(withoutReturns(shown).includes(line), `the terminal did not show: ${line}`);
    }
    t.regex(replayed, expect);
    place.discard();
  });
}

const withoutReturns = (shown: string): string => shown.replaceAll('\r', '');

program('bash with job control by a script', {
  needs: ['script'],
  files: ['jobs.sh'],
  command: ['script', '-qec', 'bash jobs.sh', '/dev/null'],
  expect(t, { stdout }) {
    const shown = withoutReturns(stdout);
    t.regex(shown, /^1\n\[1\]\+ +Running +sleep 1000 &\n\[1\]\+ +Stopped +sleep 1000\n/);
    t.regex(shown, /\nkilled: 143\n.*Stopped +cat \| rev\nended: \d+\n/);
    t.regex(shown, /\nstopped: 147\n(.*\n)+continued\n(.*\n)*foreground: 0\n/);
  },
});

const GDB = 'gdb that debugs a program is refused clearly';
if (find('gdb') === undefined) test.skip(`${GDB} (not here: gdb)`, () => {});
else {
  test.serial(GDB, async (t) => {
    const place = workspace('gdb');
    const log = join(place.path, 'gdb.log');
    writeFileSync(join(place.path, 'a.c'), 'int main(void) { return 3; }\n');
    execFileSync('gcc', ['-g', '-o', 'a', 'a.c'], { cwd: place.path });
    const recorded = await scribe(
      'record',
      ['-v', '--store', STORE, '-o', log, 'gdb', '-nx', '-q', '-batch', '-ex', 'run', './a'],
      { cwd: place.path, env: environment },
    );
    t.regex(recorded.stderr, /^record: ptrace was answered ENOSYS: .+$/m);
    // The debugger says so too, and never that it has run the program.
    t.false(/exited with code 03/.test(recorded.stdout), recorded.stdout);
    const replayed = await scribe('replay', [log], { cwd: '/' });
    t.is(replayed.stdout, recorded.stdout);
    t.is(replayed.code, recorded.code);
    t.is(replayed.stderr, recorded.stderr.replace(/^record: .*\n/gm, ''));
    place.discard();
  });
}
