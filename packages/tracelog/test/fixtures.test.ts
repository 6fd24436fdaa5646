import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { FRAME_TYPES } from '../src/frame-table.js';
import { openLog } from '../src/reader.js';
import type { LogRecord } from '../src/merge.js';
import { fromJson } from './support/fixtures.js';
import { same } from './support/logs.js';

const dir = fileURLToPath(new URL('fixtures/', import.meta.url));

interface Expected {
  readonly header: unknown;
  readonly bookmarks: unknown;
  readonly contents: readonly { hash: string; size: number }[];
  readonly records: readonly Omit<LogRecord, 'offset'>[];
}

const logs = readdirSync(dir).filter((name) => name.endsWith('.log'));

test('there are fixtures', (t) => {
  t.true(logs.includes('v1.log'));
});

for (const log of logs) {
  for (const decompressor of ['native', 'portable'] as const) {
    test(`${log} reads as it did when it was written (${decompressor})`, (t) => {
      const json = readFileSync(dir + log.replace('.log', '.json'), 'utf8');
      const expected = fromJson(json) as Expected;
      const reader = openLog(dir + log, { decompressor });
      t.false(reader.truncated);
      same(t, reader.header, expected.header);
      same(t, reader.bookmarks, expected.bookmarks);
      const records = [...reader.records()].map(({ frame, stream }) => ({ stream, frame }));
      t.is(records.length, expected.records.length);
      for (const [i, record] of records.entries()) {
        same(t, record, expected.records[i], `record ${i}`);
      }
      const contents = reader.contents().map(({ hash, size }) => ({ hash, size }));
      same(t, contents, expected.contents);
      for (const { hash, size } of contents) {
        t.is(Buffer.concat([...reader.contentParts(hash)]).length, size);
      }
      reader.close();
    });
  }
}

test('v1.log has a frame of every type that version 1.0 knows', (t) => {
  const reader = openLog(`${dir}v1.log`);
  const types = new Set([...reader.frames()].map(({ type }) => type));
  reader.close();
  // Types that come later are in later fixtures.
  t.is(types.size, 23);
  for (const type of types) t.true(FRAME_TYPES.includes(type));
});
