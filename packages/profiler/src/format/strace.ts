/**
 * strace's form: a line for each call, signal and end of a task, spelled as `strace -f` does. Lines of calls stand where
 * the calls end, as a log has their arguments there: where strace has two, `<unfinished ...>` and `resumed`, there is one.
 * Of calls that never end only the name is known.
 */
import { syscallByName, type Frame, type ImageFrame } from '@scribe-ts/tracelog';
import type { TextLimits } from '../decode/call.js';
import { signalName } from '../decode/signal.js';
import { syscallName } from '../decode/syscall.js';
import { quoteUpTo } from '../decode/text.js';
import { hex } from '../decode/words.js';
import type { Event, ExecEvent, ExitEvent, SignalEvent } from '../events/event.js';
import type { FdNaming } from '../events/sockets.js';
import type { SyscallEvent } from '../events/syscall-event.js';
import { dumpLines, type DumpOptions } from './hex-dump.js';
import { executedName, stackPointer } from './fresh-stack.js';
import { SignalFrames } from './signal-frames.js';
import type { Stamps } from './stamps.js';

/** strace's own: -s 32. */
const STRING_BYTES = 32;
/** Where the `=` stands. */
const RESULT_COLUMN = 40;
const ARGV_SHOWN = 32;

const NR_EXIT = syscallByName.get('exit')!.nr;
const NR_EXIT_GROUP = syscallByName.get('exit_group')!.nr;
const NR_SIGRETURN = syscallByName.get('rt_sigreturn')!.nr;
/** Parent of the first task. */
const RECORDER = 1;

/** Takes a finished line and the event it came from. */
export type StraceSink = (line: string, event: Event) => void;

interface TaskLines {
  /** The call that it went into and has not come back from. */
  inside: number;
  readonly signalFrames: SignalFrames;
  /** Its first image is the execve that strace shows first. */
  execed: boolean;
}

export interface StraceOptions {
  readonly naming: FdNaming;
  /** Bytes shown of strings; default: strace's 32. */
  readonly textBytes?: number | undefined;
  readonly stamps?: Stamps | undefined;
  readonly dumps?: DumpOptions | undefined;
}

export class StraceFormat {
  private readonly limits: TextLimits;
  private readonly tasks = new Map<number, TaskLines>();

  /** `population` counts the tasks that live when an event is printed: there are ids before the lines if it is above 1. */
  constructor(
    private readonly population: { readonly alive: number },
    private readonly options: StraceOptions,
  ) {
    const { textBytes = STRING_BYTES } = options;
    this.limits = { input: textBytes, output: textBytes };
  }

  event(event: Event, sink: StraceSink): void {
    switch (event.type) {
      case 'syscall':
        this.syscall(event, sink);
        return;
      case 'exec':
        this.exec(event, sink);
        return;
      case 'block':
        this.of(event.task).inside = event.frame.nr;
        return;
      case 'signal':
        this.signal(event, sink);
        return;
      case 'exit':
        this.exit(event, sink);
        this.tasks.delete(event.task);
        return;
      case 'detach': {
        const head = this.head(event, 1) + this.before(event.frame);
        const { inside } = this.of(event.task);
        sink(`${head}${inside < 0 ? '' : syscallName(inside) + '( '}<detached ...>`, event);
        this.tasks.delete(event.task);
        return;
      }
      default:
    }
  }

  private of(task: number): TaskLines {
    let lines = this.tasks.get(task);
    if (lines === undefined) {
      lines = { inside: -1, signalFrames: new SignalFrames(), execed: false };
      this.tasks.set(task, lines);
    }
    return lines;
  }

  /** `gone`: tasks that count still, though they have ended. */
  private head({ info }: Event, gone = 0): string {
    return this.population.alive + gone > 1 ? `[pid ${String(info.tid).padStart(5)}] ` : '';
  }

  private before(frame: Frame): string {
    return this.options.stamps?.before(frame) ?? '';
  }

  private syscall(event: SyscallEvent, sink: StraceSink): void {
    const { nr } = event;
    let text: string;
    if (nr === NR_SIGRETURN) {
      const lines = this.of(event.task);
      lines.inside = -1;
      text = lines.signalFrames.leave();
    } else {
      const lines = this.tasks.get(event.task);
      if (lines !== undefined) lines.inside = -1;
      text = event.print(this.limits, this.options.naming);
    }
    const { stamps, dumps } = this.options;
    const line = aligned(this.head(event) + this.before(event.frame), text);
    sink(stamps === undefined ? line : line + stamps.behind(event.frame), event);
    if (dumps === undefined) return;
    for (const dump of dumpLines(event.frame, event.details, dumps)) sink(dump, event);
  }

  /** The first exec is the recorder's own: the log has no call of it. */
  private exec(event: ExecEvent, sink: StraceSink): void {
    const lines = this.of(event.task);
    if (!lines.execed && event.info.parent === RECORDER) {
      const head = this.head(event) + this.before(event.frame);
      sink(aligned(head, this.firstExec(event.frame)), event);
    }
    lines.execed = true;
  }

  private firstExec(image: ImageFrame): string {
    const { argv, envp } = image;
    const string = (text: string): string => {
      const bytes = Buffer.from(text, 'latin1');
      return quoteUpTo(bytes, bytes.length, this.limits.input);
    };
    const shown = argv.slice(0, ARGV_SHOWN).map(string);
    if (argv.length > ARGV_SHOWN) shown.push('...');
    const name = Buffer.from(executedName(image) ?? image.path, 'latin1');
    const path = quoteUpTo(name, name.length, Infinity);
    const environment = 8 * (argv.length + 2) + stackPointer(image);
    const count = `${envp.length} var${envp.length === 1 ? '' : 's'}`;
    return `execve(${path}, [${shown.join(', ')}], ${hex(environment)} /* ${count} */) = 0`;
  }

  private signal(event: SignalEvent, sink: StraceSink): void {
    const { frame, name, siginfo } = event;
    const head = this.head(event) + this.before(frame);
    sink(`${head}--- ${name}${siginfo === '' ? '' : ' ' + siginfo} ---`, event);
    if (frame.action === 'stop') sink(`${head}--- stopped by ${name} ---`, event);
    if (frame.action === 'handler') this.of(event.task).signalFrames.enter(frame);
  }

  private exit(event: ExitEvent, sink: StraceSink): void {
    const head = this.head(event, 1) + this.before(event.frame);
    const { inside } = this.of(event.task);
    // Neither call comes back: what they said is in the status.
    if (event.signal === 0 && (inside === NR_EXIT || inside === NR_EXIT_GROUP)) {
      const name = inside === NR_EXIT ? 'exit' : 'exit_group';
      sink(aligned(head, `${name}(${event.code}) = ?`), event);
    } else if (inside >= 0) {
      sink(aligned(head, `${syscallName(inside)}( <unfinished ...>) = ?`), event);
    }
    if (event.signal === 0) sink(`${head}+++ exited with ${event.code} +++`, event);
    else {
      const core = event.coreDumped ? ' (core dumped)' : '';
      sink(`${head}+++ killed by ${signalName(event.signal)}${core} +++`, event);
    }
  }
}

/** Puts the `=` of the result where strace has it. */
function aligned(head: string, text: string): string {
  const equals = text.lastIndexOf(') = ') + 1;
  if (equals === 0) return head + text;
  const call = head + text.slice(0, equals);
  return call.padEnd(RESULT_COLUMN - 1) + text.slice(equals);
}
