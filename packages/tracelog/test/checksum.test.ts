import { crc32 as zlibCrc32 } from 'node:zlib';
import test from 'ava';
import { crc32, crc32ByTable } from '../src/checksum.js';
import { Random } from './support/random.js';

test('checksums are those of zlib', (t) => {
  const random = Random.forTest(t);
  t.is(crc32(Buffer.from('123456789')), 0xcbf43926);
  for (const length of [0, 1, 2, 3, 4, 5, 7, 8, 100, 65_536, 65_537, 200_001]) {
    const bytes = Uint8Array.from({ length }, () => random.below(256));
    const before = random.below(2 ** 32);
    t.is(crc32(bytes), zlibCrc32(bytes), `${length} bytes`);
    t.is(crc32(bytes, before), zlibCrc32(bytes, before), `${length} bytes on top`);
    t.is(crc32ByTable(bytes, before), zlibCrc32(bytes, before), `${length} bytes by table`);
  }
});
