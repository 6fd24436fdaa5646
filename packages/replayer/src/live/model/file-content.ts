import type { FileOffset } from './file-offset.js';

/** More than that is not kept of a file, bytes. */
const MAX_SIZE = 1 << 24;

/** What has been done to a file, or to the offset of an open file of it. */
export type FileEdit =
  /** At the offset, or where `at` says; 'end': an append. */
  | { readonly kind: 'write'; readonly bytes: Uint8Array; readonly at?: number | 'end' }
  | { readonly kind: 'move'; readonly by: number }
  | { readonly kind: 'seek'; readonly to: number }
  | { readonly kind: 'resize'; readonly size: number }
  | { readonly kind: 'extend'; readonly size: number }
  /** Something that the log does not have has been stored. */
  | { readonly kind: 'lose' };

interface Noted {
  readonly time: number;
  readonly offset: FileOffset | undefined;
  readonly edit: FileEdit;
}

/**
 * What has been written to a file that was made in the recording. What several processes do to one is replayed in another
 * order than that of the recording, so it is put in order when it is asked for.
 */
export class FileContent {
  private bytes = new Uint8Array(0);
  private length = 0;
  private isComplete = true;
  /** Since several may have written. */
  private noted: Noted[] | undefined;
  private notedSize = 0;
  /** Offsets, as they were when the first of `noted` came. */
  private readonly offsets = new Map<FileOffset, number | 'end'>();

  /** undefined if not all of it is known. */
  get known(): Uint8Array | undefined {
    this.applyNoted();
    return this.isComplete ? this.bytes.subarray(0, this.length) : undefined;
  }

  /** From now on others may write as well, whose calls may have been replayed already, or be yet to come. */
  share(): void {
    this.noted ??= [];
  }

  /** By a call that ended at `time`, ns. `offset`: of the open file, as it was before. */
  edit(time: number, offset: FileOffset | undefined, edit: FileEdit): void {
    if (this.noted === undefined) {
      this.apply(edit, offset?.value ?? 0);
      return;
    }
    if (offset !== undefined && !this.offsets.has(offset)) this.offsets.set(offset, offset.value);
    if (edit.kind === 'write') this.notedSize += edit.bytes.length;
    if (this.notedSize > MAX_SIZE)
      this.noted = [{ time: Infinity, offset, edit: { kind: 'lose' } }];
    else this.noted.push({ time, offset, edit });
  }

  private applyNoted(): void {
    const noted = this.noted?.sort((one, other) => one.time - other.time) ?? [];
    const { offsets } = this;
    for (const { offset, edit } of noted) {
      const at = offset === undefined ? 0 : offsets.get(offset)!;
      const from = at === 'end' ? this.length : at;
      this.apply(edit, from);
      if (offset === undefined) continue;
      if (edit.kind === 'move') offsets.set(offset, from + edit.by);
      else if (edit.kind === 'seek') offsets.set(offset, edit.to);
      else if (edit.kind === 'write' && edit.at === 'end') offsets.set(offset, this.length);
      else if (edit.kind === 'write' && edit.at === undefined)
        offsets.set(offset, from + edit.bytes.length);
    }
    noted.length = 0;
  }

  private apply(edit: FileEdit, offset: number | 'end'): void {
    switch (edit.kind) {
      case 'write': {
        const at = edit.at ?? offset;
        this.write(at === 'end' ? this.length : at, edit.bytes);
        break;
      }
      case 'resize':
        this.resize(edit.size);
        break;
      case 'extend':
        this.resize(Math.max(this.length, edit.size));
        break;
      case 'lose':
        this.lose();
    }
  }

  private write(offset: number, bytes: Uint8Array): void {
    if (!this.reserve(offset + bytes.length)) return;
    this.bytes.set(bytes, offset);
    this.length = Math.max(this.length, offset + bytes.length);
  }

  private resize(size: number): void {
    if (!this.reserve(size)) return;
    if (size < this.length) this.bytes.fill(0, size, this.length);
    this.length = size;
    if (size === 0) this.isComplete = true;
  }

  private lose(): void {
    this.isComplete = false;
    this.bytes = new Uint8Array(0);
    this.length = 0;
  }

  private reserve(size: number): boolean {
    if (!this.isComplete && size > 0) return false;
    if (size > MAX_SIZE) {
      this.lose();
      return false;
    }
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.min(MAX_SIZE, Math.max(size, this.bytes.length * 2)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return true;
  }
}
