import { Registers, Sys } from '@scribe-ts/core-native';
import { type Frame, syscallTable } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { AddressMap } from '../report/address-map.js';
import { backtrace, type JitNames, locate } from '../report/backtrace.js';
import { ObjectFiles } from '../report/object-files.js';
import { At, type ReplaySpace, type ReplayTask } from '../tasks.js';
import { PerfMaps } from './perf-maps.js';
import type { CodeLocation, StackFrame } from './types.js';

/** Call stacks of replayed tasks. What was found out for one stack is kept for the next. */
export class Stacks {
  private readonly files: ObjectFiles;
  private readonly perfMaps: PerfMaps;
  private maps = new WeakMap<ReplaySpace, AddressMap>();

  constructor(
    private readonly engine: Engine,
    debugDirectories: readonly string[],
  ) {
    this.files = new ObjectFiles(debugDirectories);
    this.perfMaps = new PerfMaps(engine);
  }

  close(): void {
    this.files.close();
  }

  /** Must be told of every frame, as some change what lies where. */
  frameApplied(task: ReplayTask, frame: Frame): void {
    if (frame.type === 'image') this.maps.delete(task.space);
    else if (frame.type === 'syscall') {
      if (syscallTable[frame.nr]?.class === 'memory') this.maps.delete(task.space);
      this.perfMaps.callApplied(task, frame);
    }
  }

  /** The stack of a task whose registers are loaded. */
  backtrace(task: ReplayTask): readonly StackFrame[] {
    const { engine } = this;
    const stopped = new Registers(engine.regs.save());
    const map = this.mapOf(task);
    return backtrace(engine.tracer, task.tid, stopped, map, pointOf(task), this.jitNames(task));
  }

  locate(task: ReplayTask, address: number): CodeLocation {
    return locate(this.mapOf(task), address, address, this.jitNames(task));
  }

  /** What is mapped at this moment: stacks grow without a call. */
  freshMap(task: ReplayTask): AddressMap {
    this.maps.delete(task.space);
    return this.mapOf(task);
  }

  private mapOf(task: ReplayTask): AddressMap {
    let map = this.maps.get(task.space);
    if (map === undefined) {
      map = new AddressMap(task.tid, this.engine.recordedPaths, this.files);
      this.maps.set(task.space, map);
    }
    return map;
  }

  private jitNames(task: ReplayTask): JitNames {
    return (address) => this.perfMaps.find(task.pid, address);
  }
}

/** Whether the task stands behind a `syscall` instruction that it is about to make, or has made. */
function pointOf({ at, history }: ReplayTask): 'syscall' | 'instruction' {
  if (at === At.Entry || at === At.Running) return 'syscall';
  if (at !== At.User) return 'instruction';
  const last = history.last;
  return last?.type === 'syscall' && last.nr !== Sys.rt_sigreturn ? 'syscall' : 'instruction';
}
