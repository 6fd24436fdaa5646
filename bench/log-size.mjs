// What a log's bytes are: in all, and without the data that calls read and wrote.
//   node bench/log-size.mjs LOG…      prints both, and the bytes of each type of frame before compression
import { rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrameEncoder } from '../packages/tracelog/dist/codec.js';
import { LogWriter, openLog } from '../packages/tracelog/dist/index.js';

const NOTHING = new Uint8Array(0);

function withoutData(frame) {
  switch (frame.type) {
    case 'syscall':
    case 'kernel-write':
      return { ...frame, writes: frame.writes.map(({ addr }) => ({ addr, bytes: NOTHING })) };
    case 'output':
    case 'shared-write':
    case 'data':
      return { ...frame, bytes: NOTHING };
    default:
      return frame;
  }
}

function* framesOf(log, stream) {
  const cursor = log.stream(stream);
  for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) yield frame;
}

/** `syscalls` in the log at `path`, its `logBytes`, and its `bareBytes` without data. `scratch`: a file to write. */
export function measureLog(path, scratch) {
  const log = openLog(path);
  const writer = LogWriter.create(scratch, log.header, { maxDelayMs: Infinity });
  let syscalls = 0;
  for (const stream of log.streams) {
    for (const frame of framesOf(log, stream)) {
      if (frame.type === 'syscall') syscalls++;
      writer.append(stream, withoutData(frame));
    }
    writer.endStream(stream);
  }
  writer.close();
  log.close();
  const bareBytes = statSync(scratch).size;
  rmSync(scratch);
  return { syscalls, logBytes: statSync(path).size, bareBytes };
}

/** Number and bytes before compression of each type of frame. */
function bytesByType(path) {
  const log = openLog(path);
  const types = {};
  for (const stream of log.streams) {
    const encoder = new FrameEncoder();
    for (const frame of framesOf(log, stream)) {
      const before = encoder.sink.pos;
      encoder.append(frame);
      const type = (types[frame.type] ??= { frames: 0, bytes: 0 });
      type.frames++;
      type.bytes += encoder.sink.pos - before;
      if (encoder.sink.pos > 1 << 20) encoder.reset();
    }
  }
  log.close();
  return types;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const path of process.argv.slice(2)) {
    const size = measureLog(path, join(tmpdir(), `log-size-${process.pid}`));
    const { syscalls, logBytes, bareBytes } = size;
    const each = (bytes) => `${bytes} bytes, ${(bytes / syscalls).toFixed(1)} a call`;
    console.log(`${path}: ${syscalls} calls; ${each(logBytes)}; without data ${each(bareBytes)}`);
    console.table(bytesByType(path));
  }
}
