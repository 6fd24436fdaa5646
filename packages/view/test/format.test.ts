import test from 'ava';
import { asHex, asText, looksTextual } from '../web/bytes-view.js';
import { bytes, compact, ending, moment, span } from '../web/format.js';
import { processRows } from '../web/process-rows.js';
import { markText, roundStep, Scale } from '../web/scale.js';

test('lengths of time', (t) => {
  const texts: [number, string][] = [
    [0, '0'],
    [850, '850 ns'],
    [1000, '1 µs'],
    [12_345, '12.3 µs'],
    [999_999, '1000 µs'],
    [2_500_000, '2.5 ms'],
    [1.5e9, '1.5 s'],
    [125e9, '2 min 5 s'],
    [3661e9, '1 h 1 min'],
  ];
  for (const [ns, text] of texts) t.is(span(ns), text);
});

test('moments', (t) => {
  t.is(moment(0), '0.000000');
  t.is(moment(1_234_567), '0.001235');
  t.is(moment(61.5e9), '1:01.500000');
  t.is(moment(3723.000001e9), '1:02:03.000001');
  t.is(moment(59.9999999e9), '1:00.000000');
});

test('numbers, sizes and endings', (t) => {
  t.is(compact(999), '999');
  t.is(compact(83_900), '83.9k');
  t.is(compact(1_000_000), '1M');
  t.is(bytes(1023), '1023 B');
  t.is(bytes(1536), '1.5 KiB');
  t.is(bytes(1024 ** 3), '1 GiB');
  t.is(ending(0), 'exited with 0');
  t.is(ending(3 << 8), 'exited with 3');
  t.is(ending(9), 'killed by SIGKILL');
  t.is(ending(40), 'killed by signal 40');
});

test('marks of the ruler, from hours to nanoseconds', (t) => {
  t.is(roundStep(0.2), 1);
  t.is(roundStep(3), 5);
  t.is(roundStep(12_000), 20_000);
  t.is(roundStep(1.2e9), 2e9);
  t.is(roundStep(40e9), 60e9);
  t.is(roundStep(2.5 * 3600e9), 3 * 3600e9);
  t.is(markText(0, 1e6), '0');
  t.is(markText(1_233_000_000, 1e6), '1.233 s');
  t.is(markText(509_760_000, 20_000), '509.76 ms');
  t.is(markText(5_076_500_000, 500_000), '5.0765 s');
  t.is(markText(90e9, 60e9), '0:01:30');
  t.is(markText(7230e9, 10e9), '2:00:30');
  t.is(markText(3600.5e9, 100e6), '1:00:00.5');
  // Neighbours never read the same.
  for (let span = 100; span < 100 * 3600e9; span *= 3.7) {
    const step = roundStep(span / 10);
    for (const from of [0, 12.345e9, 4000e9]) {
      const first = Math.ceil(from / step) * step;
      const texts = [0, 1, 2, 3].map((i) => markText(first + i * step, step));
      t.is(new Set(texts).size, 4, `${span} ${texts.join(' ')}`);
    }
  }
});

test('a scale goes both ways', (t) => {
  const scale = new Scale(1000, 3000, 500);
  t.is(scale.x(2000), 250);
  t.is(scale.time(250), 2000);
  t.is(scale.resolution, 4);
});

test('bytes as text and in hexadecimal', (t) => {
  const text = new TextEncoder().encode('GET / HTTP/1.1\r\nä\x00');
  t.true(looksTextual(text));
  t.false(looksTextual(Uint8Array.from({ length: 64 }, (_, i) => i % 16)));
  t.is(asText(text), 'GET / HTTP/1.1\nä␀');
  const [first, second] = asHex(text).split('\n');
  t.is(first, '00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1··');
  t.regex(second!, /^00000010 {2}c3 a4 00 +···$/);
});

test('threads hang on their process, processes on who started them', (t) => {
  const task = (uid: number, parent: number, tid: number, pid: number) => ({
    uid,
    parent,
    tid,
    pid,
    name: '',
    born: 0,
    execs: [],
    events: 0,
    failed: 0,
    streams: [],
  });
  // 4 is a thread that thread 3 started; 5 a process that thread 4 started.
  const tasks = [task(2, 1, 10, 10), task(3, 2, 11, 10), task(4, 3, 12, 10), task(5, 4, 20, 20)];
  const shape = (folded: number[] = []): string =>
    processRows(tasks, new Set(folded))
      .map(({ task, depth }) => `${depth}:${task.uid}`)
      .join(' ');
  t.is(shape(), '0:2 1:3 1:4 2:5');
  t.is(shape([4]), '0:2 1:3 1:4');
  t.is(shape([2]), '0:2');
  t.is(processRows(tasks, new Set([2]))[0]!.below, 3);
  const only = processRows(tasks, new Set(), ({ uid }) => uid > 3);
  t.deepEqual(
    only.map(({ task }) => task.uid),
    [4, 5],
  );
});
