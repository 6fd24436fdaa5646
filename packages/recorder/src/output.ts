import { statFd, Sys } from '@scribe-ts/core-native';
import type { FileInfo } from './files.js';
import type { OutputTurn, Task } from './tasks.js';

const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
/** /dev/null and its like take output that nobody sees. */
const MEMORY_MAJOR = 1;
/** /dev/tty: the controlling terminal by another name. */
const CONTROLLING_TERMINAL = 5 * 256;

/** System calls that send bytes to the file of their first argument and may be let into the recorded output. */
const writesToFirst = new Uint8Array(512);
for (const nr of [Sys.write, Sys.pwrite64, Sys.writev, Sys.pwritev, Sys.pwritev2, Sys.sendfile])
  writesToFirst[nr] = 1;

/** Knows which writes reach the recording's own standard output, error or terminal. */
export class OutputTracker {
  private readonly targets = new Map<string, number>();
  /** Files that are recorded output. */
  readonly files: { readonly dev: number; readonly ino: number }[] = [];
  private terminal = false;
  private readonly turns = new Map<string, OutputTurn>();
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
      this.files.push({ dev: stat.dev, ino: stat.ino });
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

  /**
   * False if the task is about to write where another one is writing: in which order the kernel takes writes that are
   * under way at the same time is not seen by anybody, so they go one after the other. `leave` tells who is next.
   */
  enter(task: Task): boolean {
    if (writesToFirst[task.nr] !== 1) return true;
    const fd = Number(task.args[0]) | 0;
    const file = task.files.get(task.tid, fd);
    if (file === undefined || this.target(fd, file) < 0) return true;
    // A terminal has several names.
    const key = (file.mode & S_IFMT) === S_IFCHR ? 'terminal' : file.key;
    let turn = this.turns.get(key);
    if (turn === undefined) {
      turn = { writer: undefined, waiting: [] };
      this.turns.set(key, turn);
    }
    task.outputTurn = turn;
    if (turn.writer === undefined) {
      turn.writer = task;
      return true;
    }
    turn.waiting.push(task);
    return false;
  }

  /** The task's write is over; `written`: it has put out something. Returns who may write now. */
  leave(task: Task, written: boolean): Task | undefined {
    const turn = task.outputTurn!;
    task.outputTurn = undefined;
    if (turn.writer !== task) {
      turn.waiting.splice(turn.waiting.indexOf(task), 1);
      return undefined;
    }
    if (written) task.outputSerial = this.serial++;
    turn.writer = turn.waiting.shift();
    return turn.writer;
  }

  /** Place of the write that the task has made in the order of all output. */
  place(task: Task): number {
    const { outputSerial } = task;
    task.outputSerial = -1;
    return outputSerial >= 0 ? outputSerial : this.serial++;
  }
}
