/** Writes a log until it is killed, or to a length that no test needs: `node --import=tsx endless-writer.ts PATH`. */
import { LogWriter } from '../../src/writer.js';
import { call, HEADER } from './frames.js';

const writer = LogWriter.create(process.argv[2] as string, HEADER, {
  chunkBytes: 4096,
  maxDelayMs: 1,
});
for (let i = 0; writer.bytesWritten < 50e6; i++) writer.append(i % 5, call(i % 5, i * 1000, i));
