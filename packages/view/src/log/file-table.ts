import { u32 } from '../model/columns.js';
import { isOutward, transferBytes, type EventBlock } from '../model/event-block.js';
import type { FileFacts } from '../model/facts.js';
import type { PendingEvent } from './task-builder.js';

/** A file of the log's resources, and where in the index it is used. */
class FileUses {
  events = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Pairs of task and row, one after the other. */
  readonly places = u32();
  length = 0;

  constructor(
    readonly id: number,
    readonly name: string,
    readonly first: number,
  ) {}
}

export class FileTable {
  private readonly files = new Map<number, FileUses>();

  /** A frame names a file. */
  name(id: number, name: string, time: number): void {
    if (!this.files.has(id)) this.files.set(id, new FileUses(id, name, time));
  }

  count(event: PendingEvent): void {
    const file = this.files.get(event.file);
    if (file === undefined) return;
    file.events++;
    if (isOutward(event.transfer)) file.bytesOut += transferBytes(event.transfer);
    else file.bytesIn += event.transfer;
  }

  use(id: number, task: number, row: number): void {
    const file = this.files.get(id);
    if (file === undefined) return;
    const { places, length } = file;
    places.reserve(length + 2);
    places.values[length] = task;
    places.values[length + 1] = row;
    file.length = length + 2;
  }

  /** What a file is called, '' if that is not known. */
  nameOf(id: number): string {
    return this.files.get(id)?.name ?? '';
  }

  /** The rows of the tasks' trees in which a file is used, as pairs of task and row. */
  places(id: number): Uint32Array {
    const file = this.files.get(id);
    return file === undefined ? new Uint32Array(0) : file.places.values.subarray(0, file.length);
  }

  /** Those with the most events first. */
  facts(): FileFacts[] {
    return [...this.files.values()]
      .map(({ id, name, events, bytesIn, bytesOut, first }) => {
        return { id, name, events, bytesIn, bytesOut, first };
      })
      .sort((a, b) => b.events - a.events || a.id - b.id);
  }
}

/** True if event `i` of a block moved bytes through the file. */
export function movesBytes(block: EventBlock, i: number, file: number): boolean {
  return block.file[i] === file && transferBytes(block.transfer[i]!) > 0;
}
