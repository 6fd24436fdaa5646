import type { Frame, TaskUid } from '@scribe-ts/tracelog';
import { isDetail } from './events/decoder.js';
import { taskNumber } from './format/common.js';
import { dumpLines, type DumpOptions } from './format/hex-dump.js';
import { rawLine } from './format/raw.js';
import { ScribeFormat, type LineSink } from './format/scribe.js';
import { Stamps } from './format/stamps.js';
import type { ProfileOptions, ProfileRecord } from './options.js';

const DEFAULT_OUTPUT_BYTES = 128;
const OFFSET_DIGITS = 8;

interface TaskView {
  /** `[02] ` */
  readonly head: string;
  shown: boolean;
  /** What came since the task's last call: printed below the next one. */
  details: Frame[];
  offsets: (number | undefined)[];
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
  private readonly views = new Map<TaskUid, TaskView>();
  private lastUid: TaskUid = -1;
  private lastView: TaskView | undefined;

  // The line being made: fields, so that no closure is needed for a frame.
  private lines: string[] = [];
  private view!: TaskView;
  private offset: number | undefined;
  private readonly sink: LineSink = (text, frame) => this.add(text, frame);

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
  }

  /** Appends the lines that are due after this record to `lines`, and returns it. */
  push(record: ProfileRecord, lines: string[] = []): string[] {
    let frame: Frame;
    if ('frame' in record) {
      frame = record.frame;
      this.offset = record.offset;
    } else {
      frame = record;
      this.offset = undefined;
    }
    const view = frame.task === this.lastUid ? this.lastView! : this.viewOf(frame.task);
    if (this.wanted !== undefined) this.learn(frame, view);
    if (!view.shown) return lines;
    this.lines = lines;
    this.view = view;
    if (this.raw) {
      lines.push(this.offsetText(this.offset) + rawLine(frame));
      return lines;
    }
    if (isDetail(frame)) {
      view.details.push(frame);
      if (this.withOffsets) view.offsets.push(this.offset);
      return lines;
    }
    if (frame.type === 'syscall') {
      this.scribe.lines(frame, view.details, this.sink);
      if (this.dumps !== undefined) {
        for (const line of dumpLines(frame, view.details, this.dumps)) this.add(line, undefined);
      }
      this.forget(view);
      return lines;
    }
    // A task that is gone made no call of these.
    if (frame.type === 'exit' || frame.type === 'detach') this.flush(view);
    this.scribe.lines(frame, view.details, this.sink);
    return lines;
  }

  /** Appends what is left: details of calls that the log does not end. */
  end(lines: string[] = []): string[] {
    this.lines = lines;
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
    const offset = detail < 0 ? this.offset : view.offsets[detail];
    let line = text;
    if (stamps !== undefined) {
      const first = frame !== undefined && detail < 0;
      line = first ? stamps.before(frame) + text + stamps.behind(frame) : stamps.blank + text;
    }
    this.lines.push(this.offsetText(offset) + view.head + line);
  }

  private offsetText(offset: number | undefined): string {
    if (!this.withOffsets || offset === undefined) return '';
    return offset.toString(16).padStart(OFFSET_DIGITS, '0') + ' ';
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
