import { lstatSync } from 'node:fs';
import { ByteQueue } from './byte-queue.js';

/** FIFOs, by path: those that the recording made, and those that are there now. */
export class Fifos {
  private readonly queues = new Map<string, ByteQueue>();

  made(path: string): ByteQueue {
    const queue = new ByteQueue();
    this.queues.set(path, queue);
    return queue;
  }

  /** What waits in the FIFO that a path names; undefined if it is none. */
  at(path: string): ByteQueue | undefined {
    return this.queues.get(path) ?? (isFifo(path) ? this.made(path) : undefined);
  }

  removed(path: string): void {
    this.queues.delete(path);
  }

  renamed(from: string, to: string): void {
    const queue = this.queues.get(from);
    this.queues.delete(from);
    this.queues.delete(to);
    if (queue !== undefined) this.queues.set(to, queue);
  }
}

/** Whoever opened it may be replayed before the process that made it. */
function isFifo(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
}
