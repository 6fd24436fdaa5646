import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lines in a file of a store, for whoever comes later. Several may add to it at once. A line that was cut off, by a full disk, has no full
 * stop at its end, and is none.
 */
export class LineFile {
  private readonly path: string;

  constructor(directory: string, name: string) {
    this.path = join(directory, name);
  }

  /** None if the file cannot be read. */
  read(): string[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'latin1');
    } catch {
      return [];
    }
    return text
      .split('\n')
      .filter((line) => line.endsWith('.'))
      .map((line) => line.slice(0, -1));
  }

  /** Adds a line, if the file can be written. */
  add(line: string): void {
    try {
      appendFileSync(this.path, `\n${line}.`);
    } catch {
      // It is found out again.
    }
  }
}
