import { syscallTable } from '@scribe-ts/tracelog';

/** How the calls of one task were made, where there is an agent. */
export class CallPaths {
  /** Calls that the agent has recorded, and calls recorded by the tracer. */
  agent = 0;
  traced = 0;
  /** Stops for the tracer, by call number or instruction. */
  private readonly stops = new Map<number | string, number>();

  /** The task has stopped for the tracer: `what` is the call that it was about, or an instruction that traps. */
  stopped(what: number | string): void {
    this.stops.set(what, (this.stops.get(what) ?? 0) + 1);
  }

  /** As a `counters` frame has them, the most frequent stops first. */
  values(): Record<string, number> {
    const stops = [...this.stops].sort(([, a], [, b]) => b - a);
    return {
      'calls.agent': this.agent,
      'calls.traced': this.traced,
      ...Object.fromEntries(stops.map(([what, count]) => [`stops.${nameOf(what)}`, count])),
    };
  }
}

function nameOf(what: number | string): string {
  return typeof what === 'string' ? what : (syscallTable[what]?.name ?? `syscall_${what}`);
}
