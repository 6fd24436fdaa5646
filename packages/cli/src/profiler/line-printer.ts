/** The way from records to lines: chosen, summed up, printed. */
import type {
  CallCounts,
  LineFormatter,
  LocatedFrame,
  ProfileOptions,
  Selector,
} from '@scribe-ts/profiler';
import type { LogHeader } from '@scribe-ts/tracelog';
import type { ProfilerModule } from '../deps.js';
import type { Questions } from './query-options.js';

/** Whether lines of this form depend on what came before, wanted or not. */
export function needsAll({ form, descriptors }: ProfileOptions): boolean {
  return form === 'strace' || descriptors === 'names';
}

export class LinePrinter {
  private readonly formatter: LineFormatter | undefined;
  private readonly selector: Selector | undefined;
  /** The formatter is given every record, and chooses itself. */
  private readonly whole: boolean;
  private readonly wanted: LocatedFrame[] = [];

  /** Without a `form` there are no lines. `counts` counts the calls that are chosen. */
  constructor(
    library: ProfilerModule,
    header: LogHeader,
    { query, chosen }: Pick<Questions, 'query' | 'chosen'>,
    form: ProfileOptions | undefined,
    private readonly counts?: CallCounts,
  ) {
    this.whole = form !== undefined && (!chosen || needsAll(form));
    if (form !== undefined) {
      this.formatter = new library.LineFormatter(chosen && this.whole ? { ...form, query } : form);
    }
    const counting = counts !== undefined && chosen;
    if (counting || !this.whole) this.selector = new library.Selector(query, { cwd: header.cwd });
  }

  /** Appends the lines that are due after this record to `lines`. */
  push(record: LocatedFrame, lines: string[]): void {
    const { selector } = this;
    if (this.whole) this.formatter?.push(record, lines);
    if (selector === undefined) this.count(record);
    else {
      selector.push(record, this.wanted);
      if (this.wanted.length > 0) this.take(lines);
    }
  }

  /** Appends what is left. */
  end(lines: string[]): void {
    this.selector?.end(this.wanted);
    this.take(lines);
    this.formatter?.end(lines);
  }

  private take(lines: string[]): void {
    const { wanted } = this;
    for (let i = 0; i < wanted.length; i++) {
      const record = wanted[i]!;
      this.count(record);
      if (!this.whole) this.formatter?.push(record, lines);
    }
    wanted.length = 0;
  }

  private count({ frame }: LocatedFrame): void {
    if (this.counts !== undefined && frame.type === 'syscall') this.counts.add(frame.nr, frame);
  }
}
