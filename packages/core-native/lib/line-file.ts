import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Lines in a file of a store, for whoever comes later. Several may add to it at once. A line that was cut off, by a full disk, has no full
 * stop at its end, and is none.
 */
export class LineFile {
  private readonly path: string;
  private text: string | undefined;

  constructor(directory: string, name: string) {
    this.path = join(directory, name);
  }

  /**
   * The lines that begin so, as of the first time; none if the file cannot be read. It may be long, and a short recording asks for
   * few of them: what it does not ask for takes next to no time.
   */
  find(beginning: string): string[] {
    const text = (this.text ??= this.read());
    const lines: string[] = [];
    const words = `\n${beginning}`;
    for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
      const end = text.indexOf('\n', at + 1);
      const line = text.slice(at + 1, end < 0 ? text.length : end);
      if (line.endsWith('.')) lines.push(line.slice(0, -1));
    }
    return lines;
  }

  private read(): string {
    try {
      return readFileSync(this.path, 'latin1');
    } catch {
      return '';
    }
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
