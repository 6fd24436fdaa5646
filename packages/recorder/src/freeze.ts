import { Errno, isRestart, Reg, Sys } from '@scribe-ts/core-native';
import type { Session } from './session.js';
import { type Task, TaskState } from './tasks.js';

/**
 * Brings every task to a sync point and keeps it there: nothing is in flight then, so the state of all domains together
 * is one that the log describes. Calls that wait are interrupted and made again afterwards.
 */
export class Freezer {
  active = false;
  private readonly parked: { readonly task: Task; readonly then: (task: Task) => void }[] = [];
  private readonly parkedTasks = new Set<Task>();
  private onStill: (() => void) | undefined;

  constructor(private readonly session: Session) {}

  /** Freezes; `onStill` runs when everything stands still. One at a time: throws if one is under way. */
  freeze(onStill: () => void): void {
    if (this.active) throw new Error('a freeze is already under way');
    this.active = true;
    this.onStill = onStill;
    for (const task of this.session.tasks.values()) this.interrupt(task);
    this.check();
  }

  private interrupt(task: Task): void {
    if (task.state !== TaskState.InKernel && task.state !== TaskState.Running) return;
    task.interrupted = task.state === TaskState.InKernel;
    this.session.tracer.interruptTask(task.tid);
  }

  /** Keeps a task that has just reached a sync point; `then` is how it goes on after the thaw. */
  park(task: Task, then: (task: Task) => void): void {
    const { domain } = task;
    task.state = TaskState.Ready;
    this.parked.push({ task, then });
    this.parkedTasks.add(task);
    if (domain.holder === task) {
      domain.holder = undefined;
      this.session.passBaton(domain);
    }
    this.check();
  }

  /** Called after every stop while active: is everything still? */
  check(): void {
    const { onStill } = this;
    if (onStill === undefined) return;
    for (const task of this.session.tasks.values()) {
      if (this.parkedTasks.has(task)) continue;
      if (task.state === TaskState.Stopped || task.state === TaskState.Dead || task.exiting)
        continue;
      // A vfork parent sleeps until its child goes on, which is frozen.
      if (task.state === TaskState.InKernel && task.onSpawn !== undefined) continue;
      return;
    }
    this.onStill = undefined;
    onStill();
  }

  /** Lets everything go on. */
  thaw(): void {
    this.active = false;
    const parked = this.parked.splice(0);
    this.parkedTasks.clear();
    for (const { task, then } of parked) {
      if (task.state !== TaskState.Ready) continue;
      task.onBaton = then;
      task.domain.ready.push(task);
    }
    for (const { task } of parked) {
      const { domain } = task;
      if (domain.holder === undefined) this.session.passBaton(domain);
    }
  }

  get tasks(): ReadonlySet<Task> {
    return this.parkedTasks;
  }

  /** An interrupted call that can only fail with EINTR looks as if a signal had come: have it made again instead. */
  hideInterrupt(task: Task): void {
    if (!task.interrupted) return;
    task.interrupted = false;
    if (task.result !== -Errno.EINTR) return;
    const { regs, tracer } = this.session;
    tracer.getRegs(task.tid);
    regs.set(Reg.rax, task.nr);
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    task.exitRegs.set(regs.halves);
    task.result = -514;
  }
}

/** Registers of a still task as replay will have them at this point: a call to be restarted is about to be made again. */
export function settledRegisters(task: Task): Uint32Array {
  const regs = task.exitRegs.slice();
  const set = (reg: number, value: number): void => {
    regs[reg * 2] = value;
    regs[reg * 2 + 1] = value < 0 ? 0xffffffff : Math.floor(value / 0x100000000);
  };
  const high = regs[Reg.rax * 2 + 1]! | 0;
  const rax = high * 0x100000000 + regs[Reg.rax * 2]!;
  if (isRestart(rax) && regs[Reg.orig_rax * 2]! >>> 31 === 0) {
    const rip = regs[Reg.rip * 2 + 1]! * 0x100000000 + regs[Reg.rip * 2]!;
    set(Reg.rip, rip - 2);
    set(Reg.rax, rax === -516 ? Sys.restart_syscall : task.nr);
  }
  set(Reg.orig_rax, -1);
  return regs;
}
