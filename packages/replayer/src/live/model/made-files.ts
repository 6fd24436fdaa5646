import type { FileContent } from './file-content.js';

/** When a path came to name a file, and what is in that; a directory has no content. */
interface Name {
  readonly time: number;
  readonly content: FileContent | undefined;
}

/** A path has stopped naming what it did: what that is called since, undefined if nothing. */
interface Departure {
  readonly time: number;
  readonly to: string | undefined;
}

/**
 * Files and directories that were made in the recording, by path. Processes are replayed in another order than that of the
 * recording, so times, in ns since it began, tell what came first.
 */
export class MadeFiles {
  private readonly names = new Map<string, Name>();
  private readonly departures = new Map<string, Departure[]>();

  /** What has a name. */
  get all(): Iterable<readonly [path: string, content: FileContent | undefined]> {
    return [...this.names].map(([path, { content }]) => [path, content]);
  }

  /** What is in the file of that name, if it was made in the recording. */
  at(path: string): FileContent | undefined {
    return this.names.get(path)?.content;
  }

  /** Something has been given a name; whoever took that from it later may have been replayed before. */
  made(path: string, time: number, content?: FileContent): void {
    const next = this.departures.get(path)?.find((departure) => departure.time > time);
    if (next === undefined) this.names.set(path, { time, content });
    else if (next.to !== undefined) this.made(next.to, next.time, content);
  }

  removed(path: string, time: number): void {
    this.leave(path, { time, to: undefined });
    if (this.isOlder(path, time)) this.names.delete(path);
  }

  /** What is in a directory goes with it. */
  renamed(from: string, to: string, time: number): void {
    this.leave(from, { time, to });
    const inside = `${from}/`;
    if (this.isOlder(to, time)) this.names.delete(to);
    for (const [path, { content }] of [...this.names])
      if ((path === from || path.startsWith(inside)) && this.isOlder(path, time)) {
        this.names.delete(path);
        this.made(to + path.slice(from.length), time, content);
      }
  }

  /** Another name for a file. */
  linked(from: string, to: string, time: number): void {
    const name = this.names.get(from);
    if (name !== undefined) this.made(to, time, name.content);
  }

  private isOlder(path: string, time: number): boolean {
    return (this.names.get(path)?.time ?? Infinity) <= time;
  }

  private leave(path: string, departure: Departure): void {
    const all = this.departures.get(path);
    if (all === undefined) this.departures.set(path, [departure]);
    else {
      all.push(departure);
      all.sort((one, other) => one.time - other.time);
    }
  }
}
