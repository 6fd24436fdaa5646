/**
 * Makes test/fixtures/vN.log and vN.json, once for each major version of the format: what they hold must stay readable
 * for ever, so existing ones are never written again.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FORMAT_MAJOR } from '../src/framing.js';
import { openLog } from '../src/reader.js';
import { LogWriter } from '../src/writer.js';
import { toJson } from '../test/support/fixtures.js';
import { HEADER, randomFrames } from '../test/support/frames.js';
import { Random } from '../test/support/random.js';

const dir = fileURLToPath(new URL('../test/fixtures/', import.meta.url));
const [log, json] = [`${dir}v${FORMAT_MAJOR}.log`, `${dir}v${FORMAT_MAJOR}.json`];
if (existsSync(log)) throw new Error(`${log} exists: fixtures are made once`);
mkdirSync(dir, { recursive: true });

const random = new Random(FORMAT_MAJOR);
const writer = LogWriter.create(log, HEADER, { chunkBytes: 3000 });
for (const [i, frame] of randomFrames(random, 50).entries()) {
  writer.append(i % 3 === 0 ? 7 : i % 2, frame);
  if (i % 20 === 19) writer.flush();
}
for (const stream of [0, 1, 7]) {
  writer.append(stream, { type: 'bookmark', task: 1, time: 5e12 + stream, id: 3 });
}
writer.addContentParts('00112233445566778899aabbccddeeff', 5, [Buffer.from('hello')]);
writer.close({ bookmarks: [{ id: 3, name: 'third' }] });

const reader = openLog(log);
const { header, bookmarks } = reader;
const records = [...reader.records()].map(({ frame, stream }) => ({ stream, frame }));
const contents = reader.contents().map(({ hash, size }) => ({ hash, size }));
writeFileSync(json, toJson({ header, bookmarks, contents, records }));
reader.close();
