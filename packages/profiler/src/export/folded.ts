/**
 * Folded stacks: `program;thread;call microseconds`, a line each, summed up. What a thread did between its calls (it ran, or
 * waited for the baton) is a call of its own.
 */
import type { TaskUid } from '@scribe-ts/tracelog';
import type { Event } from '../events/event.js';
import type { TaskInfo } from '../events/task-info.js';
import type { Exporter } from './exporter.js';
import { programName } from './names.js';

const BETWEEN = '[between calls]';

export class FoldedExporter implements Exporter {
  private readonly sums = new Map<string, number>();
  /** Until when a task's time has been given away. */
  private readonly told = new Map<TaskUid, number>();

  push(event: Event): void {
    const { info, task, time } = event;
    const told = this.told.get(task);
    const start = event.type === 'syscall' ? event.startTime : time;
    if (told !== undefined && start > told) this.add(info, BETWEEN, start - told);
    if (event.type === 'syscall') this.add(info, event.name, event.duration ?? 0);
    if (event.type === 'exit' || event.type === 'detach') this.told.delete(task);
    else this.told.set(task, Math.max(time, told ?? 0));
  }

  end(lines: string[]): void {
    for (const [stack, ns] of [...this.sums].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const micros = Math.round(ns / 1000);
      if (micros > 0) lines.push(`${stack} ${micros}`);
    }
  }

  private add(info: TaskInfo, call: string, ns: number): void {
    const stack = `${frame(programName(info))};[${info.task}];${call}`;
    this.sums.set(stack, (this.sums.get(stack) ?? 0) + ns);
  }
}

/** Without what ends a frame or a line of this format. */
function frame(name: string): string {
  return name.replace(/[;\s]/g, '_');
}
