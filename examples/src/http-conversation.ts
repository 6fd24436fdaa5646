/**
 * What a recorded program said over HTTP/1: a line for each request with its answer, whichever side it was on.
 *
 *   record -f sSrmdgpTD -o server.log …      (D: all bytes that the program sent)
 *   node examples/dist/http-conversation.js server.log
 *
 * Encrypted conversations can't be read in system calls.
 */
import { decodeEvents, type SyscallEvent } from '@scribe-ts/profiler';
import { openLog } from '@scribe-ts/tracelog';

const REQUEST = /^([A-Z]+) (\S+) HTTP\/1\.[01]\r\n/;
const RESPONSE = /^HTTP\/1\.[01] (\d{3})/;
/** Enough for the first line. */
const HEAD = 8192;

interface Exchange {
  readonly request: string;
  readonly time: number;
  /** Whether the program sent the request, or got it. */
  readonly side: 'client' | 'server';
  status: string;
  answeredAfter: number;
  bytes: number;
}

/** Exchanges that are not over, by connection. */
const open = new Map<string, Exchange>();

function follow(event: SyscallEvent): void {
  const { fd, meaning } = event.fds[0] ?? {};
  if (meaning?.socket === undefined || event.failed) return;
  const connection = `process ${event.info.pid}, ${fd} = ${meaning.text}`;
  if (event.name === 'close') return finish(connection);
  const size = Number(event.result);
  const [{ direction = 'in' } = {}] = event.data;
  // A call that gathers has the list of its parts among its data.
  const texts = event.data.map(({ bytes }) => Buffer.from(bytes).toString('latin1', 0, HEAD));
  const text = texts.find((part) => REQUEST.test(part) || RESPONSE.test(part)) ?? '';
  // The kernel takes in what the program sends.
  const sent = direction === 'in';
  const [, method, path] = REQUEST.exec(text) ?? [];
  if (method !== undefined) {
    finish(connection);
    const side = sent ? 'client' : 'server';
    const request = `${method} ${path}`;
    const { time } = event;
    open.set(connection, { request, time, side, status: '', answeredAfter: 0, bytes: 0 });
    return;
  }
  const exchange = open.get(connection);
  if (exchange === undefined || sent !== (exchange.side === 'server') || size <= 0) return;
  if (exchange.status === '') {
    exchange.status = RESPONSE.exec(text)?.[1] ?? '';
    exchange.answeredAfter = event.time - exchange.time;
  }
  if (exchange.status !== '') exchange.bytes += size;
}

function finish(connection: string): void {
  const exchange = open.get(connection);
  if (exchange === undefined) return;
  open.delete(connection);
  const { request, side, status, answeredAfter, bytes } = exchange;
  const answer =
    status === ''
      ? 'no answer'
      : `${status}, ${bytes} bytes, after ${(answeredAfter / 1e6).toFixed(1)} ms`;
  console.log(`${connection}: ${side}: ${request} → ${answer}`);
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: http-conversation LOG');
  process.exit(2);
}
using log = openLog(path);
for (const event of decodeEvents(log)) if (event.type === 'syscall') follow(event);
for (const connection of [...open.keys()]) finish(connection);
