/** What two runs of a program may differ in is taken out, whatever the machine did meanwhile. */
import test from 'ava';
import { byTask, isSame, parseStrace, withWholeReads } from './normalise.js';

const traces = (...lines: readonly string[]): readonly (readonly [string, readonly string[]])[] =>
  byTask(parseStrace(lines.join('\n'))).map(({ key, lines: all }) => [key, all]);

test('a child that ends before the call that made it returned has its place', (t) => {
  const late = traces(
    '700 vfork( <unfinished ...>',
    '701 exit(0) = ?',
    '701 +++ exited with 0 +++',
    '700 vfork() = 701',
  );
  t.deepEqual(
    late.map(([key]) => key),
    ['0', '0.0'],
  );
});

test('numbers that are normalised may be ids of tasks as well', (t) => {
  for (const line of [
    'msgget(IPC_PRIVATE, 0600) = 700',
    'times(NULL) = 700',
    'semop(700, [], 1) = 0',
  ])
    t.deepEqual(traces(`700 ${line}`), traces(`800 ${line.replace('700', '9')}`));
  t.deepEqual(traces('700 getppid() = 5'), [['0', ['getppid() = PID']]]);
  const [, child] = traces('700 fork() = 701', '701 getppid() = 700');
  t.deepEqual(child, ['0.0', ['getppid() = <task 0=700>']]);
});

test('clocks of a machine that has just been started are clocks', (t) => {
  const sleep = (seconds: number): string =>
    `700 clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, {tv_sec=${seconds}, tv_nsec=123456789}, NULL) = 0`;
  t.deepEqual(traces(sleep(7)), traces(sleep(70000)));
});

test('a terminal may give what it has in pieces', (t) => {
  const whole = ['read(3, "out\\r\\n", 5) = 5', 'close(3) = 0'];
  t.deepEqual(
    withWholeReads(['read(3, "out", 5) = 3', 'read(3, "\\r\\n", 2) = 2', 'close(3) = 0']),
    whole,
  );
  t.deepEqual(withWholeReads(whole), whole);
  const others = ['read(3, "ab", 5) = 2', 'read(4, "c", 3) = 1', 'read(3, "d", 5) = 1'];
  t.deepEqual(withWholeReads(others), others);
});

test('a number that is an id in one run only is the same number', (t) => {
  const lineBy = (pid: number): string =>
    traces(`${pid} lseek(3, 20000, SEEK_SET) = 20000`)[0]![1][0]!;
  t.true(isSame(lineBy(20000), lineBy(700)));
});
