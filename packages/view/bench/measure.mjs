// Measures the index of a log and the questions to it:
//   node packages/view/bench/make-log.mjs 1000000 /tmp/1m.log
//   node packages/view/bench/measure.mjs /tmp/1m.log
import { statSync } from 'node:fs';
import { LogSource } from '@scribe-ts/view';

const path = process.argv[2];
const ROUNDS = 9;
const PIXELS = 1200;
const LANES = 20;

const started = performance.now();
const source = new LogSource(path);
const facts = await source.facts();
const indexed = performance.now() - started;
const tasks = facts.tasks.slice(0, LANES).map(({ uid }) => uid);
const everyone = facts.tasks.map(({ uid }) => uid);
console.log(
  `log      ${(statSync(path).size / 1e6).toFixed(1)} MB, ${facts.events} events, ${facts.tasks.length} tasks`,
);
console.log(
  `index    ${(indexed / 1000).toFixed(2)} s, ${(source.indexBytes / 1e6).toFixed(0)} MB in its file, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB of memory`,
);

/** Median and longest time of a question asked about several places, ms. */
async function measure(name, question) {
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await question(i / ROUNDS);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const shown = (value) => value.toFixed(1).padStart(7);
  console.log(
    `${name.padEnd(34)} median ${shown(times[ROUNDS >> 1])} ms, longest ${shown(times.at(-1))} ms`,
  );
}

const { duration } = facts;
for (const part of [1, 0.1, 0.01, 0.0001]) {
  await measure(`${LANES} lanes, ${part * 100} % of the time`, (place) => {
    const from = duration * (1 - part) * place;
    const to = from + duration * part;
    return source.lanes({ tasks, from, to, resolution: (to - from) / PIXELS });
  });
}
await measure('counters of all tasks', () => source.counters(0, duration, 600));
await measure('300 lines around a moment', async (place) => {
  const key = { time: duration * place, task: 0, index: -1 };
  await source.list({ key, direction: 'backward', count: 150 });
  await source.list({ key, direction: 'forward', count: 150 });
});
await measure('one event in full', (place) => {
  const task = facts.tasks[3];
  return source.event(task.uid, Math.floor(task.events * place));
});
await measure('sums of all calls', () =>
  source.summary({ tasks: everyone, from: 0, to: duration }),
);
await measure('100 transfers of a file', async (place) => {
  const [file] = await source.files();
  await source.transfers(file.id, { time: duration * place, task: 0, index: 0 }, 100);
});
async function search(text, limit) {
  for await (const state of source.search({ text }, limit)) void state;
}
await measure('search: 500 failed', () => search('failed', 500));
const start = performance.now();
await search('"no such text"', 500);
console.log(
  `search of the whole log for a text ${((performance.now() - start) / 1000).toFixed(1)} s`,
);
console.log(
  `memory at the end                  ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
);
source.close();
