import { Pieces } from './pieces.js';

export type NodeKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket';

/** A file of the recording (an inode), as far as the calls tell what it was. */
export class FileNode {
  /** undefined: the recording has not said what it is. */
  kind: NodeKind | undefined;
  /** Of its content; undefined: not known. */
  size: number | undefined;
  readonly pieces = new Pieces();
  /** What no piece covers is zeros: it was made, or emptied, in the recording. */
  isWhole = false;
  /** Whether it was empty when it was opened first is not known. */
  isAssumed = false;
  /** It has changed in a way that the log does not have. */
  isLost = false;
  /** The recording has made it. */
  isNew = false;
  /** Permissions, if they are known. */
  mode: number | undefined;
  /** The recording has set them. */
  hasNewMode = false;
  /** As the recording has set them, -1: as they were. */
  uid = -1;
  gid = -1;
  /** The recording has changed its extended attributes, or what `chattr` sets. */
  hasNewAttributes = false;
  /** When the recording changed it last, seconds since 1970; undefined: it did not. */
  modified: number | undefined;
  /** Where a symbolic link leads. */
  to = '';
  /** The program has read its names. */
  isListed = false;

  constructor(kind: NodeKind | undefined) {
    this.kind = kind;
  }

  /** The recording has changed something of it, beyond reading. */
  get isChanged(): boolean {
    return (
      this.isNew ||
      this.modified !== undefined ||
      this.hasNewMode ||
      this.hasNewAttributes ||
      this.isOwned
    );
  }

  get isOwned(): boolean {
    return this.uid !== -1 || this.gid !== -1;
  }

  /** All of its content is known. */
  get isComplete(): boolean {
    if (this.isLost || this.size === undefined) return false;
    return this.isWhole || this.pieces.covers(0, this.size);
  }

  /** Bytes that it has at least. */
  get leastSize(): number {
    return this.size ?? this.pieces.end;
  }

  resize(size: number): void {
    this.pieces.remove(size, Infinity);
    this.size = size;
    if (size !== 0) return;
    this.isWhole = true;
    this.isAssumed = false;
    this.isLost = false;
  }

  /** Bytes have been stored up to here. */
  reaches(end: number): void {
    if (this.size !== undefined && this.size < end) this.size = end;
  }
}
