import type { Frame, TaskUid } from '@scribe-ts/tracelog';
import type { Sockets } from './decode/call.js';
import { annotateFds } from './decode/fds.js';
import { EventDecoder, isDetail } from './events/decoder.js';
import type { Event } from './events/event.js';
import { taskNumber } from './format/common.js';
import { dumpLines, type DumpOptions } from './format/hex-dump.js';
import { rawLine } from './format/raw.js';
import { ScribeFormat, type LineSink } from './format/scribe.js';
import { Stamps } from './format/stamps.js';
import { StraceFormat, type StraceSink } from './format/strace.js';
import type { ProfileOptions, ProfileRecord } from './options.js';
import { EventFilter } from './query/event-filter.js';
import { framesOf } from './query/selector.js';

const DEFAULT_OUTPUT_BYTES = 128;
const OFFSET_DIGITS = 8;
const POSITION_DIGITS = 6;

interface TaskView {
  /** `[02] ` */
  readonly head: string;
  shown: boolean;
  /** What came since the task's last call: printed below the next one. */
  details: Frame[];
  /** Where these stand, as the lines show it. */
  offsets: string[];
}

/**
 * Turns frames into lines, one frame at a time, in the order in which a log's reader gives them. Scribe's form prints
 * the details of a call after it, so a line can come later than its frame: call `end` after the last one.
 */
export class LineFormatter {
  private readonly raw: boolean;
  private readonly wanted: ReadonlySet<number> | undefined;
  private readonly withOffsets: boolean;
  private readonly scribe: ScribeFormat;
  private readonly stamps: Stamps | undefined;
  private readonly dumps: DumpOptions | undefined;
  /** Where lines need more than frames: what came before, in strace's form, for a query and for names of descriptors. */
  private readonly decoder: EventDecoder | undefined;
  private readonly filter: EventFilter | undefined;
  private readonly strace: StraceFormat | undefined;
  private readonly named: boolean;
  private readonly decoded: Event[] = [];
  private readonly due: Event[] = [];
  private readonly views = new Map<TaskUid, TaskView>();
  private lastUid: TaskUid = -1;
  private lastView: TaskView | undefined;

  // The line being made: fields, so that no closure is needed for a frame.
  private lines: string[] = [];
  private view!: TaskView;
  private offset = '';
  private sockets: Sockets | undefined;
  /** Where the record at hand begins in its chunk. */
  private position: number | undefined;
  private readonly sink: LineSink = (text, frame) => this.add(text, frame);
  private readonly straceSink: StraceSink = (line, event) => {
    if (this.wanted !== undefined && !this.viewOf(event.task).shown) return;
    this.lines.push(this.offsetText(event.offset) + line);
  };

  constructor(options: ProfileOptions = {}) {
    this.raw = options.form === 'raw';
    this.wanted = options.tasks === undefined ? undefined : new Set(options.tasks);
    this.withOffsets = options.offsets === true;
    this.scribe = new ScribeFormat({
      input: options.textBytes ?? Infinity,
      output: options.textBytes ?? DEFAULT_OUTPUT_BYTES,
    });
    this.stamps = options.times === undefined ? undefined : new Stamps(options.times);
    this.dumps = options.dumps;
    const { form, query, cwd = '' } = options;
    this.named = options.descriptors === 'names';
    if (query !== undefined) this.filter = new EventFilter(query);
    if (form !== 'strace' && query === undefined && !this.named) return;
    this.decoder = new EventDecoder({ cwd });
    if (form !== 'strace') return;
    this.strace = new StraceFormat(this.decoder, {
      naming: this.named ? 'strace' : 'numbers',
      textBytes: options.textBytes,
      stamps: this.stamps,
      dumps: this.dumps,
    });
  }

  /** Appends the lines that are due after this record to `lines`, and returns it. */
  push(record: ProfileRecord, lines: string[] = []): string[] {
    this.lines = lines;
    const { decoder } = this;
    this.position = 'frame' in record ? record.position : undefined;
    if (decoder === undefined) {
      if ('frame' in record) this.frame(record.frame, record.offset ?? -1);
      else this.frame(record, -1);
      return lines;
    }
    const { decoded } = this;
    decoder.push(record, decoded);
    if (decoded.length > 0) this.choose();
    return lines;
  }

  /** Prints those of the events at hand that are asked for. */
  private choose(): void {
    const { decoded, filter, due } = this;
    if (filter === undefined) for (let i = 0; i < decoded.length; i++) this.event(decoded[i]!);
    else {
      for (let i = 0; i < decoded.length; i++) filter.push(decoded[i]!, due);
      this.printDue();
    }
    decoded.length = 0;
  }

  private printDue(): void {
    const { due } = this;
    for (let i = 0; i < due.length; i++) this.event(due[i]!);
    due.length = 0;
  }

  private event(event: Event): void {
    if (this.strace !== undefined) {
      if (this.wanted !== undefined) {
        for (const frame of framesOf(event)) this.learn(frame, this.viewOf(frame.task));
      }
      this.strace.event(event, this.straceSink);
      return;
    }
    if (event.type === 'syscall') {
      this.sockets = event;
      if (this.named) annotateFds(event.fdNames('names'));
    }
    for (const frame of framesOf(event)) this.frame(frame, event.offset);
    this.sockets = undefined;
    annotateFds(undefined);
  }

  /** `offset`: of its chunk in the file; -1 if it is not known. */
  private frame(frame: Frame, offset: number): void {
    if (this.withOffsets) this.offset = this.offsetText(offset);
    const view = frame.task === this.lastUid ? this.lastView! : this.viewOf(frame.task);
    if (this.wanted !== undefined) this.learn(frame, view);
    if (!view.shown) return;
    this.view = view;
    if (this.raw) {
      this.lines.push(this.offset + rawLine(frame));
      return;
    }
    if (isDetail(frame)) {
      view.details.push(frame);
      if (this.withOffsets) view.offsets.push(this.offset);
      return;
    }
    if (frame.type === 'syscall') {
      this.scribe.lines(frame, view.details, this.sink, this.sockets);
      if (this.dumps !== undefined) {
        for (const line of dumpLines(frame, view.details, this.dumps)) this.add(line, undefined);
      }
      this.forget(view);
      return;
    }
    // A task that is gone made no call of these.
    if (frame.type === 'exit' || frame.type === 'detach') this.flush(view);
    this.scribe.lines(frame, view.details, this.sink);
  }

  /** Appends what is left: details of calls that the log does not end. */
  end(lines: string[] = []): string[] {
    this.lines = lines;
    if (this.decoder !== undefined) {
      this.decoder.end(this.decoded);
      this.choose();
      this.filter?.end(this.due);
      this.printDue();
    }
    for (const view of this.views.values()) this.flush(view);
    return lines;
  }

  private flush(view: TaskView): void {
    if (view.details.length === 0) return;
    this.view = view;
    this.scribe.orphans(view.details, this.sink);
    this.forget(view);
  }

  private forget(view: TaskView): void {
    if (view.details.length === 0) return;
    view.details = [];
    view.offsets = [];
  }

  /** `frame`: that of the line; none for what stands below a call besides its details. */
  private add(text: string, frame: Frame | undefined): void {
    const { view, stamps } = this;
    if (!this.withOffsets && stamps === undefined) {
      this.lines.push(view.head + text);
      return;
    }
    const detail = frame === undefined ? -1 : view.details.indexOf(frame);
    const offset = detail < 0 ? this.offset : (view.offsets[detail] ?? '');
    let line = text;
    if (stamps !== undefined) {
      const first = frame !== undefined && detail < 0;
      line = first ? stamps.before(frame) + text + stamps.behind(frame) : stamps.blank + text;
    }
    this.lines.push(offset + view.head + line);
  }

  /** `0000115b:0001f3 `: the chunk's offset in the file, and the frame's in the chunk. */
  private offsetText(offset: number): string {
    if (!this.withOffsets || offset < 0) return '';
    const chunk = offset.toString(16).padStart(OFFSET_DIGITS, '0');
    const { position } = this;
    if (position === undefined) return chunk + ' ';
    return `${chunk}:${position.toString(16).padStart(POSITION_DIGITS, '0')} `;
  }

  private viewOf(uid: TaskUid): TaskView {
    let view = this.views.get(uid);
    if (view === undefined) {
      view = {
        head: `[${taskNumber(uid)}] `,
        shown: this.wanted === undefined || this.wanted.has(uid),
        details: [],
        offsets: [],
      };
      this.views.set(uid, view);
    }
    this.lastUid = uid;
    this.lastView = view;
    return view;
  }

  /** Ids that the program saw are told by these frames; once a task is shown it stays so. */
  private learn(frame: Frame, view: TaskView): void {
    const { wanted } = this;
    if (wanted === undefined) return;
    if (frame.type === 'task-start' || frame.type === 'image') {
      if (wanted.has(frame.tid) || wanted.has(frame.pid)) view.shown = true;
    } else if (frame.type === 'spawn') {
      const { lastUid, lastView } = this;
      const child = this.viewOf(frame.child);
      if (wanted.has(frame.tid) || wanted.has(frame.pid)) child.shown = true;
      this.lastUid = lastUid;
      this.lastView = lastView;
    }
  }
}
