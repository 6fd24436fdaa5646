/**
 * Chrome's Trace Event Format, its JSON object form: complete events for calls, instants for signals, ends and bookmarks, metadata
 * for names. Times in it are microseconds.
 */
import type { LogHeader, TaskUid } from '@scribe-ts/tracelog';
import type { Event } from '../events/event.js';
import type { TaskInfo } from '../events/task-info.js';
import type { Exporter } from './exporter.js';
import { programName } from './names.js';

export class ChromeExporter implements Exporter {
  /** What each task was last said to be. */
  private readonly named = new Map<TaskUid, string>();
  private begun = false;
  private empty = true;

  constructor(private readonly header: LogHeader) {}

  push(event: Event, lines: string[]): void {
    this.begin(lines);
    const { time, info } = event;
    switch (event.type) {
      case 'syscall': {
        this.name(info, lines);
        const { text, name, startTime, duration = 0 } = event;
        const error = event.failed ? { error: event.errnoName } : {};
        const args = { call: text, ...error };
        const times = { ts: startTime / 1000, dur: duration / 1000 };
        this.add({ ph: 'X', cat: 'syscall', name, ...times, ...ids(info), args }, lines);
        return;
      }
      case 'signal':
        this.instant('signal', event.name, time, info, { info: event.siginfo }, lines);
        return;
      case 'exec':
        this.name(info, lines);
        this.instant('process', 'exec', time, info, { path: event.path, argv: event.argv }, lines);
        return;
      case 'exit':
        this.instant('process', 'exit', time, info, { code: event.code }, lines);
        return;
      case 'bookmark': {
        const name = `bookmark ${event.id}`;
        const rest = { ts: time / 1000, ...ids(info), s: 'g' };
        this.add({ ph: 'i', cat: 'bookmark', name, ...rest }, lines);
        return;
      }
      default:
        return;
    }
  }

  end(lines: string[]): void {
    this.begin(lines);
    lines.push(']}');
  }

  private begin(lines: string[]): void {
    if (this.begun) return;
    this.begun = true;
    const { command, startedAt, writer } = this.header;
    const about = JSON.stringify({ command: command.join(' '), startedAt, writer });
    lines.push(`{"displayTimeUnit":"ns","otherData":${about},"traceEvents":[`);
  }

  private add(event: object, lines: string[]): void {
    lines.push((this.empty ? '' : ',') + JSON.stringify(event));
    this.empty = false;
  }

  private instant(
    cat: string,
    name: string,
    time: number,
    info: TaskInfo,
    args: object,
    lines: string[],
  ): void {
    this.add({ ph: 'i', cat, name, ts: time / 1000, ...ids(info), s: 't', args }, lines);
  }

  /** Says what a task is called, when it is new or executes another program. */
  private name(info: TaskInfo, lines: string[]): void {
    const name = programName(info);
    if (this.named.get(info.task) === name) return;
    this.named.set(info.task, name);
    const place = ids(info);
    this.add({ ph: 'M', name: 'process_name', ...place, args: { name } }, lines);
    const thread = { name: `[${info.task}] ${name}` };
    this.add({ ph: 'M', name: 'thread_name', ...place, args: thread }, lines);
  }
}

/** As the program saw them; the log's number of a task that it does not tell of. */
function ids({ pid, tid, task }: TaskInfo): { readonly pid: number; readonly tid: number } {
  return { pid: pid || task, tid: tid || task };
}
