/** Columns of times: when a call began, how long after the one before it, and how long it took. */
import type { Frame, TaskUid } from '@scribe-ts/tracelog';

/** Which times are printed. */
export interface StampOptions {
  /** When it began: the time of the day, with microseconds, or seconds since 1970 with microseconds. */
  readonly absolute?: 'seconds' | 'microseconds' | 'unix' | undefined;
  /** Seconds since 1970 when the recording began; needed for `absolute`. */
  readonly startedAt?: number | undefined;
  /** How long after the start of its task's call before. */
  readonly relative?: boolean | undefined;
  /** How long it took, behind the call. */
  readonly durations?: boolean | undefined;
}

const RELATIVE_WIDTH = 12;

export class Stamps {
  /** As wide as what `before` gives. */
  readonly blank: string;
  private readonly startNs: number;
  private readonly startSeconds: number;
  private readonly lastStart = new Map<TaskUid, number>();
  private clockSecond = -1;
  private clock = '';

  constructor(private readonly options: StampOptions) {
    const { startedAt = 0, absolute, relative } = options;
    this.startSeconds = Math.floor(startedAt);
    this.startNs = Math.round((startedAt - this.startSeconds) * 1e9);
    let width = relative === true ? RELATIVE_WIDTH : 0;
    if (absolute !== undefined) width += this.absolute(0, absolute).length + 1;
    this.blank = ' '.repeat(width);
  }

  /** What stands before the line of a frame that is no detail. */
  before(frame: Frame): string {
    const { absolute, relative } = this.options;
    const start =
      frame.type === 'syscall' && frame.duration !== undefined
        ? frame.time - frame.duration
        : frame.time;
    let text = '';
    if (absolute !== undefined) text = this.absolute(start, absolute) + ' ';
    if (relative === true) {
      const last = this.lastStart.get(frame.task) ?? start;
      this.lastStart.set(frame.task, start);
      text += seconds(start - last).padStart(RELATIVE_WIDTH - 1) + ' ';
    }
    return text;
  }

  /** ` <0.000012>` behind a call whose time the log has. */
  behind(frame: Frame): string {
    if (this.options.durations !== true || frame.type !== 'syscall') return '';
    return frame.duration === undefined ? '' : ` <${seconds(frame.duration)}>`;
  }

  private absolute(ns: number, form: 'seconds' | 'microseconds' | 'unix'): string {
    const since = this.startNs + ns;
    const whole = Math.floor(since / 1e9);
    const second = this.startSeconds + whole;
    const micro = '.' + digits(Math.floor((since - whole * 1e9) / 1000), 6);
    if (form === 'unix') return second + micro;
    if (second !== this.clockSecond) {
      this.clockSecond = second;
      const date = new Date(second * 1000);
      const [hours, minutes, rest] = [date.getHours(), date.getMinutes(), date.getSeconds()];
      this.clock = `${digits(hours, 2)}:${digits(minutes, 2)}:${digits(rest, 2)}`;
    }
    return form === 'seconds' ? this.clock : this.clock + micro;
  }
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/** `0.000012` */
function seconds(ns: number): string {
  return (ns / 1e9).toFixed(6);
}
