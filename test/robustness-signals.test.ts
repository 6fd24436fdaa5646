import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { busy, Meddled } from './busy.js';
import { Chance, SEED } from './chance.js';
import { Pool, scribe, workspace } from './harness.js';

const ROUNDS = 3;
/** Rounds of a program that is ended before it is through. */
const NEVER_DONE = 1_000_000;
const pool = new Pool(2);

/** A whole recording, whatever its end, and a replay that ends alike. The program goes on at least until `act` is done. */
async function meddle(
  t: ExecutionContext,
  salt: number,
  act: (recording: Meddled, chance: Chance) => Promise<void>,
  rounds = 10,
): Promise<Meddled> {
  const place = workspace('signals');
  const log = join(place.path, 'signals.log');
  const over = join(place.path, 'over');
  const recording = new Meddled(log, [busy, String(rounds), over], ['--state-hashes']);
  t.log(`SEED=${SEED}`);
  await recording.exists();
  await act(recording, new Chance(SEED + salt));
  writeFileSync(over, '');
  await recording.closed;
  t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
  const again = `once more: scribe replay ${log}`;
  const replayed = await scribe('replay', ['-c', '60', log]);
  t.is(replayed.stderr, recording.stderr, again);
  t.is(replayed.stdout, recording.stdout, again);
  t.is(replayed.code, recording.child.exitCode, again);
  t.is(replayed.signal, recording.child.signalCode, again);
  const info = await scribe('scribe', ['info', log]);
  t.notRegex(info.stdout, /truncated/);
  place.discard();
  return recording;
}

/** Sends signals to processes of the recording, one at each of so many moments; skips the moments after its end. */
async function strike(
  recording: Meddled,
  chance: Chance,
  moments: number,
  hit: (pid: number) => Promise<void>,
): Promise<void> {
  for (const ms of chance.spread(moments, 900)) {
    await recording.until(200 + ms);
    const pids = recording.processes().filter((pid) => pid !== recording.child.pid);
    if (pids.length > 0) await hit(chance.pick(pids));
  }
}

/** False if the process is gone. */
function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** A command that leaves two processes behind, deaf to the terminal's Ctrl-C, until signals to record end them. */
async function endLeftBehind(
  t: ExecutionContext,
  signals: readonly NodeJS.Signals[],
): Promise<string> {
  await using _turn = await pool.enter();
  const place = workspace('signals');
  const log = join(place.path, 'left.log');
  const command = `trap '' INT; { echo begun; sleep 1000; echo no; } & exit 3`;
  const recording = new Meddled(log, ['sh', '-c', command]);
  await recording.printed('begun');
  // The recorder, and the two.
  while (recording.processes().length !== 3) await delay(10);
  await delay(200);
  t.is(recording.processes().length, 3);
  for (const signal of signals) {
    recording.child.kill(signal);
    await delay(100);
  }
  await recording.closed;
  t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
  t.is(recording.child.exitCode, 3, recording.stderr);
  const replayed = await scribe('replay', ['-c', '60', log]);
  t.is(replayed.stdout, 'begun\n', log);
  t.is(replayed.code, 3, replayed.stderr);
  place.discard();
  return recording.stderr;
}

test('SIGTERM to record ends what a command has left behind', async (t) => {
  t.is(await endLeftBehind(t, ['SIGTERM']), '');
});

test('so does SIGINT that comes twice', async (t) => {
  t.regex(await endLeftBehind(t, ['SIGINT', 'SIGINT']), /^record: ended on request: /);
});

for (let i = 0; i < ROUNDS; i++) {
  const times = `(${i + 1} of ${ROUNDS})`;

  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} to record ends the program, and the log says so ${times}`, async (t) => {
      await using _turn = await pool.enter();
      const end = async (recording: Meddled, chance: Chance): Promise<void> => {
        await recording.until(chance.next() * 900);
        recording.child.kill(signal);
      };
      const recording = await meddle(t, i, end, NEVER_DONE);
      t.is(recording.child.signalCode, signal);
    });
  }

  test(`SIGINT and SIGQUIT to record alone do nothing ${times}`, async (t) => {
    await using _turn = await pool.enter();
    const recording = await meddle(t, i, async (recording, chance) => {
      // Before the program is there to get it from the terminal, it is passed on.
      await recording.printed('round');
      for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
        await recording.until(300 + chance.next() * 600);
        recording.child.kill(signal);
      }
    });
    t.regex(recording.stdout, /\nbusy ok\n$/, recording.stderr);
    t.is(recording.child.exitCode, 0);
  });

  test(`a record that is stopped and continued goes on ${times}`, async (t) => {
    await using _turn = await pool.enter();
    const recording = await meddle(t, i, async (recording, chance) => {
      for (const ms of chance.spread(4, 900)) {
        await recording.until(ms);
        recording.child.kill('SIGSTOP');
        await delay(chance.next() * 100);
        recording.child.kill('SIGCONT');
      }
    });
    t.regex(recording.stdout, /\nbusy ok\n$/, recording.stderr);
    t.is(recording.child.exitCode, 0);
  });

  test(`processes that are stopped and continued from outside replay ${times}`, async (t) => {
    await using _turn = await pool.enter();
    const recording = await meddle(t, i, (recording, chance) =>
      strike(recording, chance, 8, async (pid) => {
        if (!send(pid, 'SIGSTOP')) return;
        await delay(chance.next() * 40);
        send(pid, 'SIGCONT');
      }),
    );
    t.regex(recording.stdout, /\nbusy ok\n$/, recording.stderr);
    t.is(recording.child.exitCode, 0);
  });

  test(`processes that are killed from outside replay ${times}`, async (t) => {
    await using _turn = await pool.enter();
    const recording = await meddle(t, i, (recording, chance) =>
      strike(recording, chance, 2, async (pid) => void send(pid, 'SIGKILL')),
    );
    // The program itself was hit; or one of its children, which it finds out; or nobody that was not ending anyhow.
    if (recording.child.exitCode === 0) t.regex(recording.stdout, /\nbusy ok\n$/, recording.stderr);
    else if (recording.child.signalCode === null)
      t.regex(recording.stderr, /(busy\.c|guest\.h):\d+: /);
    else t.is(recording.child.signalCode, 'SIGKILL');
  });
}
