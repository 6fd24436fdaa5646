import { decodeFrames, type EncodedFrames, type Frame } from '@scribe-ts/tracelog';

/** Frames that the agent has replayed: decoded only if somebody wants to see them. */
interface Run extends EncodedFrames {
  readonly count: number;
}

/** The last frames of a task, for those who want to know how it came where it is. */
export class History {
  /** Oldest first. */
  private readonly parts: (Frame | Run)[] = [];
  private count = 0;

  /** `limit`: how many frames are kept. */
  constructor(private readonly limit: number) {}

  push(frame: Frame): void {
    this.add(frame);
  }

  pushRun(frames: EncodedFrames, count: number): void {
    this.add({ ...frames, count });
  }

  clear(): void {
    this.parts.length = this.count = 0;
  }

  get last(): Frame | undefined {
    const part = this.parts.at(-1);
    return part === undefined || 'type' in part ? part : decodeFrames(part).at(-1);
  }

  /** Oldest first. */
  frames(): Frame[] {
    const frames = this.parts.flatMap((part) => ('type' in part ? part : decodeFrames(part)));
    return this.limit === 0 ? [] : frames.slice(-this.limit);
  }

  private add(part: Frame | Run): void {
    this.parts.push(part);
    this.count += countOf(part);
    for (;;) {
      const first = this.parts[0];
      if (first === undefined || this.count - countOf(first) < this.limit) return;
      this.parts.shift();
      this.count -= countOf(first);
    }
  }
}

function countOf(part: Frame | Run): number {
  return 'type' in part ? 1 : part.count;
}
