/** One JSON object a line. Times are nanoseconds; what does not fit into a double is a string of decimal digits. */
import type { LogHeader, Word } from '@scribe-ts/tracelog';
import type { Event } from '../events/event.js';
import type { SyscallEvent } from '../events/syscall-event.js';
import type { Exporter } from './exporter.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export class JsonLinesExporter implements Exporter {
  private started = false;

  constructor(private readonly header: LogHeader) {}

  push(event: Event, lines: string[]): void {
    this.begin(lines);
    if (event.type === 'switch' || event.type === 'other') return;
    const { task, time, info } = event;
    const head = { type: event.type, time, task, pid: info.pid, tid: info.tid };
    lines.push(JSON.stringify({ ...head, ...fieldsOf(event) }));
  }

  end(lines: string[]): void {
    this.begin(lines);
  }

  private begin(lines: string[]): void {
    if (this.started) return;
    this.started = true;
    const { writer, command, cwd, startedAt, machine, verbosity } = this.header;
    lines.push(
      JSON.stringify({ type: 'log', writer, command, cwd, startedAt, verbosity, machine }),
    );
  }
}

function word(value: Word): number | string {
  return typeof value === 'number' ? value : String(value);
}

/** Text where it is such, else base64. */
function bytesOf(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: utf8.decode(bytes) };
  } catch {
    return { base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') };
  }
}

function callFields(event: SyscallEvent): object {
  const { data, duration, fds } = event;
  return {
    name: event.name,
    nr: event.nr,
    args: Object.fromEntries(event.arguments.map(({ name, text }) => [name, text])),
    words: event.frame.args.map(word),
    result: word(event.result),
    ...(event.failed ? { error: event.errnoName } : {}),
    ...(duration === undefined ? {} : { duration }),
    ...(fds.length === 0
      ? {}
      : { fds: fds.map(({ fd, meaning }) => ({ fd, name: meaning?.text ?? null })) }),
    ...(data.length === 0
      ? {}
      : { data: data.map(({ bytes, ...rest }) => ({ ...rest, ...bytesOf(bytes) })) }),
    text: event.text,
  };
}

function fieldsOf(event: Exclude<Event, { readonly type: 'switch' | 'other' }>): object {
  switch (event.type) {
    case 'syscall':
      return callFields(event);
    case 'signal':
      return {
        name: event.name,
        signo: event.signo,
        action: event.frame.action,
        siginfo: event.siginfo,
      };
    case 'start':
      return { parent: event.info.parent };
    case 'exec':
      return { path: event.path, argv: event.argv };
    case 'exit':
      return { code: event.code, signal: event.signal, last: event.last };
    case 'block':
      return { nr: event.frame.nr };
    case 'bookmark':
      return { id: event.id };
    case 'trap':
      return { insn: event.frame.insn };
    case 'note':
      return { text: event.text };
    case 'counters':
      return { values: event.frame.values };
    case 'detach':
      return {};
  }
}
