/** Sockets with both ends in the recording, after going live. */
import test, { type ExecutionContext } from 'ava';
import { join } from 'node:path';
import { PATHS, root, workspace } from './harness.js';
import { goLive, hasAll, keepsIds, onBothPaths, program, recordTo, type Started } from './live.js';

const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');

/** Records a program that checks itself, and has it go on live. Returns how many of its checks were right. */
async function goOn(
  t: ExecutionContext,
  name: string,
  options: readonly string[],
): Promise<number> {
  const place = workspace(`live-${name}-`);
  const log = await recordTo(t, place.path, [program(name)], isReady, options);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.stderr, '');
  t.is(live.child.exitCode, 7, live.stdout);
  const [rests, ...lines] = live.stdout.trimEnd().split('\n');
  t.is(rests, 'rests');
  for (const line of lines) t.regex(line, /: right$/);
  place.discard();
  return lines.length;
}

for (const options of PATHS) {
  const how = options.length === 0 ? '' : ', recorded with the agent';
  test(`connections are what they were${how}`, async (t) => {
    // IPv6 may be missing.
    t.true((await goOn(t, 'connections', options)) >= 28);
  });

  test(`datagrams that wait are received${how}`, async (t) => {
    t.is(await goOn(t, 'datagrams', options), 12);
  });
}

test('another process at the other end than the program was told of is told', async (t) => {
  const place = workspace('live-peer-process-');
  const log = await recordTo(t, place.path, [program('peer-process')], isReady);
  const live = goLive(t, log);
  live.child.stdin!.end('x');
  await live.closed;
  t.regex(live.stderr, /: SO_PEERCRED tells of process \d+, and told of \d+/);
  // Of those of whom the program's first process is at the other end nothing is said.
  if (keepsIds) t.is(live.stderr.match(/SO_PEERCRED/g)?.length, 1);
  t.is(live.child.exitCode, 7);
  place.discard();
});

onBothPaths(
  hasAll('python3'),
  'what the kernel has told, and nobody has read, is told to be lost',
  async (t, options) => {
    const place = workspace('live-kernel-news');
    const command = ['python3', join(root, 'test/programs/live-kernel-news.py')];
    const log = await recordTo(t, place.path, command, isReady, options);
    const live = goLive(t, log);
    live.child.stdin!.end('x\n');
    await live.closed;
    const [numbers, ...lines] = live.stdout.trimEnd().split('\n');
    t.deepEqual(lines, ['rests', 'True', 'True'], live.stderr);
    const [quiet, awaiting, member, watching] = numbers!.split(' ');
    const told = (fd: string | undefined): string[] =>
      [...live.stderr.matchAll(/descriptor (\d+) .*: (.*)$/gm)]
        .filter(([, number]) => number === fd)
        .map(([, , text]) => text!);
    t.deepEqual(told(quiet), []);
    t.deepEqual(told(awaiting), ['an answer of the kernel that it had not read is lost']);
    t.deepEqual(told(member), ['what the kernel has told it, and it had not read, is lost']);
    t.deepEqual(told(watching), ['events that it had not read are lost']);
    place.discard();
  },
);
