import { basename } from 'node:path';
import type { ProfileOptions } from '@scribe-ts/profiler';
import type { StackFrame } from '@scribe-ts/replayer';
import type { CallStack } from './call-stacks.js';

/** A call's line, and one for each frame of its stack: marked as `strace -k` does it, or numbered. */
export function stackLines(
  { event, line, stack }: CallStack,
  readable: (symbol: string) => string,
  form: ProfileOptions['form'],
): readonly string[] {
  const head = `[${String(event.task).padStart(2, '0')}]   #`;
  const mark = (i: number): string => (form === 'strace' ? ' > ' : `${head}${i} `);
  return [line, ...stack.map((frame, i) => mark(i) + frameText(frame, readable))];
}

/** `0x7ffff7ed5350 write+0x10 in /usr/lib/libc.so.6 (write.c:26)` */
export function frameText(frame: StackFrame, readable: (symbol: string) => string): string {
  const { address, object, symbol, offset, file, line, isSignalFrame } = frame;
  const name = symbol === '' ? '' : ` ${readable(symbol)}+0x${offset.toString(16)}`;
  const place = object === '' ? '' : ` in ${object}`;
  const source = file === '' ? '' : ` (${basename(file)}:${line})`;
  const signal = isSignalFrame ? ' <signal handler called>' : '';
  return `0x${address.toString(16)}${name}${place}${source}${signal}`;
}

/** What a frame is called in a picture: its function, or else its file. */
export function frameName(
  { symbol, object, address }: StackFrame,
  readable: (symbol: string) => string,
): string {
  if (symbol !== '') return readable(symbol);
  return object === '' ? `0x${address.toString(16)}` : `[${basename(object)}]`;
}
