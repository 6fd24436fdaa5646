import type { OpenFile } from './open-file.js';

/** Who sent a message, as SCM_CREDENTIALS tells it. Ids are undefined where the program has not changed or told them. */
export interface Sender {
  readonly pid: number;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** What goes with the bytes of a message. */
export interface Attachment {
  /** Descriptors in it (SCM_RIGHTS). */
  readonly files: readonly OpenFile[];
  readonly sender: Sender;
}

/** What one write has left. */
export interface Piece {
  /** undefined: the log does not have them. */
  readonly bytes: Uint8Array | undefined;
  /** undefined for pipes, and once its first byte has been read. */
  readonly attachment: Attachment | undefined;
}

interface Chunk {
  readonly time: number;
  readonly bytes: Uint8Array | undefined;
  readonly size: number;
  attachment: Attachment | undefined;
}

/** A read whose write has not been replayed yet. */
interface Debt {
  size: number;
  /** What stands for the descriptors that it received. */
  places: readonly OpenFile[];
}

/**
 * What has been written into a pipe or stream socket and not been read yet. Reader and writer mostly are in different
 * streams, so a replay may come to a read before it comes to the write whose bytes it took.
 */
export class ByteQueue {
  private chunks: Chunk[] = [];
  /** Bytes of the first chunk that have been read. */
  private readOf = 0;
  private debts: Debt[] = [];
  /** What is in it is not followed any more. */
  private isLost = false;
  /** What a pipe holds as fcntl(F_SETPIPE_SZ) has said, bytes. */
  capacity: number | undefined;

  /**
   * `messages`: a read takes one write's bytes, and what it leaves of them is lost. `settle` is told of what has been
   * received before it was sent, in the order of the replay; `places` are those that the read was given, empty if it did
   * not want descriptors.
   */
  constructor(
    readonly messages = false,
    private readonly settle: (attachment: Attachment, places: readonly OpenFile[]) => void = ignore,
  ) {}

  /** `bytes` undefined: they are not known. Only messages can be empty. */
  write(time: number, size: number, bytes?: Uint8Array, attachment?: Attachment): void {
    if (this.isLost || (size === 0 && !this.messages)) return;
    let place = this.chunks.length;
    while (place > (this.readOf > 0 ? 1 : 0) && this.chunks[place - 1]!.time > time) place--;
    this.chunks.splice(place, 0, { time, bytes, size, attachment });
    for (let debt = this.debts[0]; debt !== undefined; debt = this.debts[0]) {
      const { left, attachment: found } = this.take(debt.size);
      if (found !== undefined) {
        this.settle(found, debt.places);
        if (carries(found)) debt.places = [];
      }
      if (left > 0) {
        debt.size = left;
        return;
      }
      this.debts.shift();
      if (this.chunks.length === 0) return;
    }
  }

  /** What went with the first bytes of those read; undefined as well if those have not been written yet. */
  read(size: number, places: readonly OpenFile[] = []): Attachment | undefined {
    if (this.isLost) return undefined;
    const { left, attachment } = this.take(size);
    if (left === 0) return attachment;
    const owed = carries(attachment) ? [] : places;
    const last = this.debts.at(-1);
    if (last !== undefined && !this.messages && owed.length + last.places.length === 0)
      last.size += left;
    else this.debts.push({ size: left, places: owed });
    return attachment;
  }

  /** What a look at the first message (MSG_PEEK) finds. */
  peek(): Attachment | undefined {
    return this.chunks[0]?.attachment;
  }

  /** More has been read than was written: a write is under way. */
  get isAhead(): boolean {
    return this.debts.length > 0;
  }

  /** Bytes that wait to be read. */
  get size(): number {
    return this.chunks.reduce((sum, { size }) => sum + size, 0) - this.readOf;
  }

  /** What waits, the oldest first. */
  pieces(): readonly Piece[] {
    if (this.isLost) return [{ bytes: undefined, attachment: undefined }];
    return this.chunks.map(({ bytes, attachment }, index) => ({
      bytes: index === 0 ? bytes?.subarray(this.readOf) : bytes,
      attachment,
    }));
  }

  /** Nobody has it open any more. */
  clear(): void {
    this.chunks = [];
    this.readOf = 0;
    this.debts = [];
  }

  /** Follows it no more: what waits is not known from now on. */
  lose(): void {
    this.clear();
    this.isLost = true;
  }

  /** Descriptors that wait to be received. */
  files(): readonly OpenFile[] {
    return this.chunks.flatMap(({ attachment }) => attachment?.files ?? []);
  }

  /** `left`: bytes that are not there; at least 1 for a message that is not. */
  private take(size: number): { readonly left: number; readonly attachment?: Attachment } {
    let left = size;
    let attachment: Attachment | undefined;
    if (this.messages) {
      const first = this.chunks.shift();
      return first === undefined
        ? { left: Math.max(size, 1) }
        : { left: 0, ...(first.attachment && { attachment: first.attachment }) };
    }
    while (left > 0) {
      const first = this.chunks[0];
      if (first === undefined) break;
      if (attachment === undefined || carries(first.attachment)) attachment = first.attachment;
      first.attachment = undefined;
      const step = Math.min(left, first.size - this.readOf);
      left -= step;
      this.readOf += step;
      if (this.readOf < first.size) break;
      this.chunks.shift();
      this.readOf = 0;
    }
    return { left, ...(attachment && { attachment }) };
  }
}

function carries(attachment: Attachment | undefined): boolean {
  return attachment !== undefined && attachment.files.length > 0;
}

function ignore(): void {}
