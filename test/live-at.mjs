// node live-at.mjs LOG NS STORE REPORT: goes live at that time of the recording, and ends as the program does. What cannot come
// back is in the file REPORT, as JSON: the program has standard output and error.
import { writeFileSync } from 'node:fs';
import { openReplay } from '@scribe-ts/replayer';

const [log, time, store, report] = process.argv.slice(2);
const session = await openReplay({ log, store, live: {}, showOutput: true });
try {
  await session.runTo({ time: Number(time) });
  const live = await session.goLive();
  writeFileSync(report, JSON.stringify(live.lost));
  const status = await live.ended;
  process.exitCode = status === undefined ? 99 : status >> 8;
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 98;
}
await session.close();
