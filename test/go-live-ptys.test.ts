/** Programs with pseudo-terminals inside that are recorded, replayed to a bookmark, and then used for real. */
import test from 'ava';
import { workspace } from './harness.js';
import { goLive, hasAll, keepsIds, onBothPaths, program, recordTo, type Started } from './live.js';

const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
const live = keepsIds ? test : test.skip;

for (const [path, options] of [
  ['traced', ['--no-agent']],
  ['by the agent', []],
] as const) {
  live(`pseudo-terminals live on, recorded ${path}`, async (t) => {
    const place = workspace('live-ptys');
    const log = await recordTo(t, place.path, [...options, program('ptys')], isReady);
    const lives = goLive(t, log);
    lives.child.stdin!.end('x');
    await lives.closed;
    // Others on this machine may have the numbers by now.
    t.is(lives.stderr.replace(/^.*: it is \/dev\/pts\/\d+ now\n/gm, ''), '');
    t.is(lives.child.exitCode, 10, lives.stdout);
    const [rests, ...lines] = lives.stdout.trimEnd().split('\n');
    t.is(rests, 'rests');
    t.is(lines.length, 11);
    for (const line of lines) t.regex(line, /: right$/);
    place.discard();
  });
}

const SHELL = 'bash --norc --noprofile';
const SPAWN = `import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(${JSON.stringify(SHELL.split(' '))})))`;

for (const [name, command] of [
  ['script', ['script', '-eqc', SHELL, '/dev/null']],
  ['python3', ['python3', '-c', SPAWN]],
] as const)
  onBothPaths(
    keepsIds && hasAll(name, 'bash'),
    `a shell goes on in a terminal made by ${name}`,
    async (t, options) => {
      const place = workspace('live-shell-in-pty');
      let isSent = false;
      const hasBegun = ({ stdout, child }: Started): boolean => {
        if (!isSent && /[#$] $/.test(stdout)) {
          isSent = true;
          child.stdin!.write('n=41; echo begin $n\n');
        }
        return /begin 41\r\n.*[#$] $/s.test(stdout);
      };
      const log = await recordTo(t, place.path, command, hasBegun, options);
      const live = goLive(t, log);
      live.child.stdin!.write('echo live $((n + 1))\n');
      await live.until(t, () => live.stdout.includes('live 42\r\n'));
      live.child.stdin!.write('exit 7\n');
      await live.closed;
      t.is(live.child.exitCode, 7, live.stderr);
      place.discard();
    },
  );
