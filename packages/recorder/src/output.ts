import { statFd } from '@scribe-ts/core-native';
import type { FileInfo } from './files.js';

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
/** /dev/null and its like take output that nobody sees. */
const MEMORY_MAJOR = 1;
/** /dev/tty: the controlling terminal by another name. */
const CONTROLLING_TERMINAL = 5 * 256;

/** Knows which writes reach the recording's own standard output, error or terminal. */
export class OutputTracker {
  private readonly targets = new Map<string, number>();
  private terminal = false;
  /** Place of the next output in the order of all output. */
  serial = 0;

  /** Learns what the command's descriptors 1 and 2 are, before its first instruction. */
  learn(tid: number): void {
    for (const fd of [2, 1]) {
      const stat = statFd(tid, fd);
      if (stat === null || stat === undefined) continue;
      if ((stat.mode & S_IFMT) === S_IFCHR) {
        if (Math.floor(stat.rdev / 256) === MEMORY_MAJOR) continue;
        this.terminal = true;
      }
      this.targets.set(`${stat.dev}:${stat.ino}`, fd);
    }
  }

  /** 1 standard output, 2 standard error, 0 the terminal by another way; -1 if the file is none of them. */
  target(fd: number, file: FileInfo): number {
    const target = this.targets.get(file.key);
    if (target !== undefined) return fd === 2 && this.targets.size === 1 ? 2 : target;
    if (this.terminal && (file.mode & S_IFMT) === S_IFCHR && file.rdev === CONTROLLING_TERMINAL)
      return 0;
    return -1;
  }
}
