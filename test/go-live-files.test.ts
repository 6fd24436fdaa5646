/** What files a program meets that goes live: those that are there by now, or its own ones in an overlay. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { BIN, STORE } from './busy.js';
import { scribe, workspace as plainWorkspace } from './harness.js';
import { goLive, keepsIds, program, recordTo, Started } from './live.js';

/** A directory in which overlays are kept: the kernel has left some of theirs that only root may enter. */
function workspace(name: string): ReturnType<typeof plainWorkspace> {
  const place = plainWorkspace(name);
  const discard = (): void => {
    spawnSync('chmod', ['-R', 'u+rwX', place.path]);
    place.discard();
  };
  return { ...place, path: place.path, discard };
}

/** Whether an overlay can be mounted whose upper directory is where tests have theirs. */
function canOverlay(): boolean {
  const place = workspace('overlay-probe');
  const script = `cd ${place.path} && mkdir u w m &&
    mount -t overlay none -o lowerdir=/etc,upperdir=u,workdir=w,userxattr m`;
  const can = [['-m'], ['-Urm']].some(
    (options) => spawnSync('unshare', [...options, 'sh', '-c', script]).status === 0,
  );
  place.discard();
  return can;
}

/** Longer than a tick of the clock by which files are dated. */
const TICK_MS = 20;

const needsOverlay = keepsIds && canOverlay() ? test : test.skip;
const rests = ({ stdout }: Started): boolean => stdout.includes('rests\n');

/** Records until the program rests, sets a bookmark, and lets it go on to its end with `word`. Returns what it has written. */
async function recordBeyond(
  t: ExecutionContext,
  cwd: string,
  log: string,
  command: readonly string[],
): Promise<string> {
  const args = ['-v', '--store', STORE, '-o', log, ...command];
  const recording = new Started(t, 'record', args, cwd);
  await recording.until(t, () => rests(recording));
  recording.child.kill('SIGUSR2');
  await recording.until(t, () => recording.stderr.includes('bookmark 1\n'));
  await setTimeout(TICK_MS);
  recording.child.stdin!.end('word\n');
  await recording.closed;
  t.is(recording.child.exitCode, 0, recording.stderr);
  return recording.stdout;
}

interface Lived {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

async function live(t: ExecutionContext, log: string, ...options: string[]): Promise<Lived> {
  const started = goLive(t, log, ...options);
  started.child.stdin!.end('word\n');
  await started.closed;
  const { stdout, stderr, child } = started;
  return { stdout, stderr, code: child.exitCode };
}

const MAKE = `
echo one > made; echo two >> made; chmod 640 made
mkdir -p dir/sub; echo deep > dir/sub/file; mv dir/sub/file dir/moved
ln -s made link; ln made twin; mkfifo fifo
echo short > gone; rm gone old-gone
while read -r line; do echo "$line"; done < input > copy
echo x > old
printf 0123456789 > cut; truncate -s 4 cut
exec 7<>open; echo content >&7
: > empty
echo rests
read -r word
`;
const LOOK = `
cat made twin dir/moved input copy old cut; echo; readlink link; stat -c '%a %s' made; ls -d *
[ -p fifo ] && [ made -ef twin ] && [ ! -e gone ] && echo as it was
echo "$word" >&7; cat open; echo three >> made; echo new > fresh; rm empty
`;
const SEEN = `rests
one
two
one
two
deep
given
given
x
0123
made
640 8
copy
cut
dir
empty
fifo
input
link
made
old
open
twin
as it was
content
word
`;

needsOverlay('over an overlay a program finds its own files, and changes no others', async (t) => {
  const place = workspace('live-overlay');
  const own = join(place.path, 'own');
  const log = join(place.path, 'live.log');
  mkdirSync(own);
  writeFileSync(join(own, 'input'), 'given\n');
  writeFileSync(join(own, 'old'), 'as before\n');
  writeFileSync(join(own, 'old-gone'), '');
  const command = ['sh', '-c', `${MAKE}${LOOK}`];
  await recordBeyond(t, own, log, command);
  t.true(existsSync(join(own, 'fresh')));
  // Changed, gone, and there again.
  writeFileSync(join(own, 'input'), 'changed\n');
  writeFileSync(join(own, 'made'), 'other\n');
  writeFileSync(join(own, 'old-gone'), '');
  for (const name of ['link', 'twin', 'copy', 'old', 'dir'])
    rmSync(join(own, name), { recursive: true });
  const before = readdirSync(own);

  const kept = join(place.path, 'kept');
  const lived = await live(t, log, '--files=overlay', kept);
  t.is(lived.stdout, SEEN, lived.stderr);
  t.is(lived.code, 0);
  t.regex(lived.stderr, /own: 1 newer than the bookmark, not to be seen: fresh\n/);
  t.deepEqual(readdirSync(own), before);
  t.is(readFileSync(join(own, 'made'), 'latin1'), 'other\n');
  t.is(readFileSync(join(own, 'input'), 'latin1'), 'changed\n');
  // What it has written is the user's to look at.
  const find = spawnSync('find', [kept, '-name', 'fresh', '-type', 'f'], { encoding: 'utf8' });
  t.is(readFileSync(find.stdout.trim(), 'latin1'), 'new\n');
  const again = await live(t, log, '--files', 'overlay', kept);
  t.is(again.code, 119);
  t.regex(again.stderr, /cannot go live: .*kept is not empty: an overlay needs its own\n/);
  place.discard();
});

needsOverlay('names, offsets and sizes that no call alone tells are as they were', async (t) => {
  const place = workspace('live-names');
  const own = join(place.path, 'own');
  const log = join(place.path, 'live.log');
  mkdirSync(own);
  writeFileSync(join(own, 'was'), 'was here');
  const recorded = await recordBeyond(t, own, log, [program('live-names')]);
  // It has removed all of them in the end.
  t.deepEqual(readdirSync(own), []);
  const lived = await live(t, log, '--files=overlay', join(place.path, 'kept'));
  t.is(lived.stdout, recorded, lived.stderr);
  t.is(lived.code, 0);
  place.discard();
});

needsOverlay('where nothing has changed since, an overlay is complete', async (t) => {
  const place = workspace('live-overlay-same');
  const own = join(place.path, 'own');
  mkdirSync(own);
  writeFileSync(join(own, 'input'), 'given\n');
  writeFileSync(join(own, 'old-gone'), '');
  const log = await recordTo(t, own, ['sh', '-c', `${MAKE}echo $word > answer`], rests);
  const modified = statSync(join(own, 'dir/moved')).mtimeMs;
  const later = Date.now();
  rmSync(join(own, 'dir'), { recursive: true });
  const kept = join(place.path, 'kept');
  const lived = await live(t, log, '--files=overlay', kept, '--require-complete');
  t.is(lived.stderr, '');
  t.is(lived.code, 0);
  t.false(existsSync(join(own, 'answer')));
  const find = spawnSync('find', [kept, '-name', 'moved'], { encoding: 'utf8' });
  // make and the like go by it.
  const { mtimeMs } = statSync(find.stdout.trim());
  t.true(mtimeMs > modified - TICK_MS && mtimeMs < later, `${mtimeMs}, was ${modified}`);
  place.discard();
});

needsOverlay('extended attributes are told not to be made again', async (t) => {
  const place = workspace('live-overlay-attributes');
  const own = join(place.path, 'own');
  mkdirSync(own);
  const script =
    'import os; open("f", "w").close()\n' +
    'try: os.setxattr("f", "user.mark", b"1"); print("set")\n' +
    'except OSError: print("refused")\n' +
    'print("rests", flush=True); input()';
  const log = await recordTo(t, own, ['python3', '-c', script], rests);
  const lived = await live(t, log, '--files=overlay', join(place.path, 'kept'));
  const isSet = lived.stdout.startsWith('set\n');
  t.is(/f: its extended attributes are not made again/.test(lived.stderr), isSet, lived.stderr);
  place.discard();
});

needsOverlay('what an overlay cannot have is told', async (t) => {
  const place = workspace('live-overlay-lost');
  const own = join(place.path, 'own');
  mkdirSync(own);
  // Its first four bytes are read, the rest is not.
  writeFileSync(join(own, 'part'), 'known and the rest\n');
  const script = 'exec 5<part; head -c 5 <&5; echo; echo rests; read -r word; cat part';
  const log = await recordTo(t, own, ['sh', '-c', script], rests);
  writeFileSync(join(own, 'part'), 'other and what is there\n');
  const options = ['--files=overlay', join(place.path, 'kept')];
  const refused = await live(t, log, ...options, '--require-complete');
  t.is(refused.code, 119);
  const told =
    /not as it was: .*part has what the recording read and wrote of it, and else what it has now\n/;
  t.regex(refused.stderr, told);
  spawnSync('chmod', ['-R', 'u+rwX', join(place.path, 'kept')]);
  rmSync(join(place.path, 'kept'), { recursive: true });
  const lived = await live(t, log, ...options);
  t.regex(lived.stderr, told);
  t.is(lived.stdout, 'known\nrests\nknown and what is there\n');
  place.discard();
});

test('a file that is not as it was is told where a descriptor meets it', async (t) => {
  const place = workspace('live-disk');
  const own = join(place.path, 'own');
  mkdirSync(own);
  writeFileSync(join(own, 'input'), 'first\nsecond\n');
  writeFileSync(join(own, 'notes'), 'before\n');
  const script = `exec 5<input 6>>notes 7>made; read -r line <&5; echo $line >&6; echo $line >&7
    echo rests; read -r word; read -r line <&5; echo $line`;
  const log = await recordTo(t, own, ['sh', '-c', script], rests);
  const options = ['--files=disk', '--require-complete'];
  const same = await live(t, log, ...options);
  t.is(same.stderr, '');
  t.is(same.stdout, 'rests\nsecond\n');
  appendFileSync(join(own, 'made'), 'more\n');
  writeFileSync(join(own, 'input'), 'third\nfourth\n');
  const lived = await live(t, log);
  t.is(lived.stdout, 'rests\nfourth\n', lived.stderr);
  const text = 'what is in it is not what the recording read or wrote';
  t.regex(lived.stderr, new RegExp(`not as it was: descriptor 5 \\(.*input\\): ${text}\n`));
  t.regex(
    lived.stderr,
    /not as it was: descriptor 7 \(.*made\): the file is longer than in the recording\n/,
  );
  t.notRegex(lived.stderr, /descriptor 6/);
  const refused = await live(t, log, ...options);
  t.is(refused.code, 119);
  t.is(refused.stdout, 'rests\n');
  place.discard();
});

needsOverlay('copies have an overlay each', async (t) => {
  const place = workspace('fork-overlay');
  const own = join(place.path, 'own');
  mkdirSync(own);
  const script = 'echo begun > notes; echo rests; read -r word; echo $$ >> notes; cat notes';
  const log = await recordTo(t, own, ['sh', '-c', script], rests);
  unlinkSync(join(own, 'notes'));
  const [kept, printed] = [join(place.path, 'kept'), join(place.path, 'printed')];
  const args = ['fork', '-g', '1', '-n', '2', '--files=overlay', kept, '-d', printed, '--wait'];
  const forked = await scribe('scribe', [...args, log, '--', 'true'], { cwd: '/' });
  t.is(forked.code, 0, forked.stderr);
  t.deepEqual(readdirSync(own), ['live.log']);
  for (const copy of ['1', '2']) {
    t.regex(readFileSync(join(printed, copy, 'stdout'), 'latin1'), /^begun\n\d+\n$/);
    const find = spawnSync('find', [join(kept, copy), '-name', 'notes'], { encoding: 'utf8' });
    t.regex(readFileSync(find.stdout.trim(), 'latin1'), /^begun\n\d+\n$/);
  }
  const both = await scribe('scribe', [...args, '-P', own, log, '--', 'true'], { cwd: '/' });
  t.is(both.code, 2);
  t.regex(both.stderr, /-P and --files=overlay exclude each other/);
  place.discard();
});

/** Runs a command with its words where no namespace can be made. */
const CONFINED = ['-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_pid_namespaces && exec "$@"', ''];
const canConfine = spawnSync('unshare', [...CONFINED, 'true']).status === 0;

(canConfine ? test : test.skip)('without namespaces there is no overlay', async (t) => {
  const place = workspace('live-overlay-confined');
  const log = await recordTo(t, place.path, ['sh', '-c', 'echo rests; read -r word'], rests);
  const overlay = ['--files=overlay', join(place.path, 'kept'), '--allow-new-pids'];
  const words = [process.execPath, join(BIN, 'replay.js'), '-g', '1', ...overlay, log];
  const refused = spawnSync('unshare', [...CONFINED, ...words], { encoding: 'latin1', input: '' });
  t.is(refused.status, 119, refused.stderr);
  t.regex(refused.stderr, /cannot go live: no overlay: no pid namespace can be made here/);
  place.discard();
});

test('--files is checked', async (t) => {
  const noValue = await scribe('replay', ['-g', '1', '--files=else', 'log']);
  t.is(noValue.code, 2);
  t.regex(noValue.stderr, /--files takes 'disk' or 'overlay DIR', not 'else'/);
  const noDirectory = await scribe('replay', ['-g', '1', 'log', '--files=overlay']);
  t.is(noDirectory.code, 2);
  t.regex(noDirectory.stderr, /--files=overlay needs a value/);
  const notLive = await scribe('replay', ['--files=disk', 'log']);
  t.is(notLive.code, 2);
  t.regex(notLive.stderr, /--files needs -g/);
});
