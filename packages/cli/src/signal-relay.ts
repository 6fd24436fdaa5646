import { constants } from 'node:os';
import type { Host } from './host.js';

const TERMINAL_STOPS = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;

/** A signal that comes again so soon is meant in earnest. */
const AGAIN_MS = 5000;

/** Where the signals that `record` gets go. */
export interface SignalTarget {
  kill(signal: number): void;
  /** Kills everything; with `stuckMs` only if the command has ended, or computes without a system call for so many milliseconds. */
  end(stuckMs: number): void;
  bookmark(): void;
  detach(): void;
}

/**
 * What `record` does with its signals. Those that come before there is a program wait for it.
 *
 * | signal | meaning |
 * |---|---|
 * | SIGUSR2 | bookmark |
 * | SIGUSR1 | detach |
 * | SIGTERM, SIGHUP | passed on to the program, or what is left of it |
 * | SIGTERM again | kills everything; so does SIGINT again, if the program is stuck or the command has ended |
 * | SIGINT, SIGQUIT, SIGTSTP, SIGTTIN | the terminal sends them to the program as well: nothing |
 *
 * SIGTTOU keeps its default action: caught, it would make a background write to the terminal start again for ever.
 */
export class SignalRelay {
  private target: SignalTarget | undefined;
  private over = false;
  /** When each signal came last, ms. */
  private readonly times = new Map<NodeJS.Signals, number>();
  private readonly early: ((target: SignalTarget) => void)[] = [];
  private readonly removals = new Map<NodeJS.Signals, () => void>();

  constructor(private readonly host: Host) {
    const on = (name: NodeJS.Signals, handler: () => void): void => {
      this.removals.set(name, host.onSignal(name, handler));
    };
    on('SIGUSR1', () => this.pass((target) => target.detach()));
    on('SIGUSR2', () => this.pass((target) => target.bookmark()));
    for (const name of ['SIGTERM', 'SIGHUP'] as const) {
      on(name, () => {
        if (name === 'SIGTERM' && this.sinceLast(name) <= AGAIN_MS)
          this.pass((target) => target.end(0));
        else this.pass((target) => target.kill(constants.signals[name]));
      });
    }
    for (const name of ['SIGINT', 'SIGQUIT'] as const) {
      on(name, () => {
        // The program was not there to get it from the terminal.
        if (this.target === undefined) this.pass((target) => target.kill(constants.signals[name]));
        else {
          const sinceLast = this.sinceLast(name);
          if (name === 'SIGINT' && sinceLast <= AGAIN_MS) this.target.end(Math.max(1, sinceLast));
        }
      });
    }
    for (const name of ['SIGTSTP', 'SIGTTIN'] as const) on(name, nothing);
  }

  /** Milliseconds since the signal came before. */
  private sinceLast(name: NodeJS.Signals): number {
    const now = this.host.now();
    const last = this.times.get(name);
    this.times.set(name, now);
    return last === undefined ? Infinity : now - last;
  }

  connect(target: SignalTarget): void {
    this.target = target;
    for (const action of this.early.splice(0)) action(target);
  }

  /**
   * Stops this process as the program was stopped, if that was by the terminal; returns once something continues us. The
   * shell that started us waits for us, not for the program; its fg and bg continue both, as one process group. With its
   * default action the signal does nothing where no shell could continue us (an orphaned process group).
   *
   * A SIGSTOP doesn't stop us: whoever sent it will continue the program alone, and we would sit stopped over it.
   */
  stopLikeProgram(signal: number): void {
    const name = TERMINAL_STOPS.find((name) => constants.signals[name] === signal);
    if (name === undefined) return;
    const handled = this.removals.get(name);
    handled?.();
    this.host.raise(name);
    if (handled !== undefined) this.removals.set(name, this.host.onSignal(name, nothing));
  }

  /** Gives every signal its default action back. */
  close(): void {
    for (const remove of this.removals.values()) remove();
    this.removals.clear();
  }

  /**
   * The program is gone. Who asks for a bookmark or a detach just now must not end us with that, in the place of the
   * program's own status: those two signals stay without effect. The others get their default action back.
   */
  settle(): void {
    this.over = true;
    this.host.keepHandlers();
    for (const [name, remove] of this.removals) {
      if (name !== 'SIGUSR1' && name !== 'SIGUSR2') remove();
    }
  }

  private pass(action: (target: SignalTarget) => void): void {
    if (this.over) return;
    if (this.target === undefined) this.early.push(action);
    else action(this.target);
  }
}

function nothing(): void {}
