import { ARGUMENT_REGS, Errno, Reg, Resume } from '@scribe-ts/core-native';
import { hasEntry, readEntry, syscallTable } from '@scribe-ts/tracelog';
import { answer, cancelSyscall, endOutput, goIntoKernel, proceed, refuse } from './calls.js';
import { recordInputs } from './inputs.js';
import { carrierOf } from './carrier.js';
import { copyBack, planBuffers, restoreArguments } from './moved-buffers.js';
import { recordSyscall } from './record-call.js';
import type { Session } from './session.js';
import { giveBackForCall, hideInterruption, putBackBlocked } from './signals.js';
import { waitsForViewers } from './syscalls/file.js';
import { entryHooks, exitHooks, looksOnly } from './syscalls/index.js';
import { type Task, TaskState } from './tasks.js';
import { holdsPatient, noteCall, unblock, unblockForCall } from './timer-signals.js';
import { mayWait, setsMode } from './waiting.js';

/** A task, whose registers are loaded, is about to make a call. */
export function noteEntry(session: Session, task: Task, nr: number): void {
  const { regs } = session;
  task.exitRegs.set(regs.halves);
  task.exitRegsValid = false;
  task.nr = nr;
  for (let i = 0; i < 6; i++) task.args[i] = regs.get(ARGUMENT_REGS[i]!);
  task.state = TaskState.InKernel;
  task.enteredAt = session.now;
  task.atEntry = false;
  task.endsHere = false;
  task.mayYield = false;
}

/** What happens at the entry and at the end of a system call. */
export class SyscallStops {
  constructor(private readonly session: Session) {}

  /** The task is about to make a call. */
  entry(task: Task): void {
    const { session } = this;
    const { regs } = session;
    if (task.space.agent !== undefined)
      session.agent!.stops.relocateEntry(task, regs.address(Reg.rip));
    noteEntry(session, task, regs.int(Reg.orig_rax));
    const rip = regs.address(Reg.rip);
    if (!task.space.syscallSites.has(rip) && !this.checkSite(task, rip)) return;
    unblockForCall(session, task);
    if (task.held.length > 0) {
      task.heldBlocked = false;
      if (task.carrier === 0) {
        cancelSyscall(session, task, holdsPatient(task) ? this.giveBack : this.deliverHeld);
        return;
      }
      session.baton.contended.add(task.domain);
    }
    if (session.parking.active) {
      cancelSyscall(session, task, (still) => session.parking.park(still, session.resumeUser));
      return;
    }
    if (session.chaos?.givesWayAtEntry(task)) {
      cancelSyscall(session, task, (still) => session.baton.request(still, session.resumeUser));
      return;
    }
    if (waitsForViewers(session, task, this.enterLater)) return;
    this.enterSyscall(task);
  }

  private readonly enterLater = (task: Task): void => {
    this.enterSyscall(task);
  };

  private enterSyscall(task: Task): void {
    const { session } = this;
    const { nr } = task;
    const row = syscallTable[nr];
    const known = row !== undefined && row.class !== 'refused';
    if (known) {
      task.mayYield =
        row.class === 'blocking' && (task.space.users === 1 || mayWait(session, task));
      if (hasEntry(nr)) {
        session.peekTid = task.tid;
        readEntry(row, task.args, session.peek, task.regionContext.entry);
      }
      // Before anything is written of the call: the task may have to come to it once more.
      if (!planBuffers(session, task)) return;
    }
    if (session.recordsInputs && row !== undefined) recordInputs(session, task, row);
    if (!known) {
      refuse(session, task, row);
      return;
    }
    noteCall(task);
    task.hooked = exitHooks[nr] !== undefined && !looksOnly.has(nr);
    const hook = entryHooks[nr];
    if (hook !== undefined && hook(session, task)) return;
    goIntoKernel(session, task);
  }

  private readonly giveBack = (task: Task): void => {
    giveBackForCall(this.session, task);
  };

  private readonly deliverHeld = (task: Task): void => {
    const { session } = this;
    // The handler of one held signal may block the next: delivered now, that would wait, and the call never begin.
    putBackBlocked(session, task);
    const [held] = task.held;
    if (held === undefined) {
      session.resumeUser(task);
      return;
    }
    task.carrier = carrierOf(session, task, held.signo);
    task.state = TaskState.Running;
    session.tracer.resume(task.tid, Resume.Syscall, task.carrier);
  };

  /** False if the entry was not made by a 64-bit `syscall` instruction: int $0x80 has other numbers and arguments. */
  private checkSite(task: Task, rip: number): boolean {
    const bytes = new Uint8Array(2);
    const got = this.session.tracer.readMemory(task.tid, rip - 2, bytes, 0, 2);
    if (got === 2 && bytes[0] === 0xcd && bytes[1] === 0x80) {
      this.session.note(
        task,
        '32-bit system calls (int $0x80) are not supported and were answered ENOSYS',
      );
      task.mayYield = false;
      this.answer32(task);
      return false;
    }
    task.space.syscallSites.add(rip);
    return true;
  }

  private answer32(task: Task): void {
    // Recorded under the number -1: the 64-bit table has no row for it.
    task.nr = -1;
    answer(this.session, task, -Errno.ENOSYS);
  }

  /** The task's call has ended. */
  exit(task: Task): void {
    const { session } = this;
    if (task.moved !== undefined) restoreArguments(session, task);
    task.result = session.regs.get(Reg.rax);
    task.exitRegs.set(session.regs.halves);
    task.exitRegsValid = true;
    if (task.result === -Errno.EINTR) hideInterruption(session, task);
    if (setsMode(task)) session.registry.modes++;
    if (task.outputTurn !== undefined) endOutput(session, task, Number(task.result) > 0);
    if (task.domain.holder === task) this.finishSyscall(task);
    else {
      task.unrecorded = true;
      session.baton.request(task, this.finishSyscall);
    }
  }

  private readonly finishSyscall = (task: Task): void => {
    const { session } = this;
    task.blocked = false;
    task.unrecorded = false;
    if (task.moved !== undefined) copyBack(session, task);
    const special = task.onExit;
    if (special !== undefined) {
      const { cancelled } = task;
      task.onExit = undefined;
      special(task);
      if (cancelled || task.state === TaskState.Dead) return;
    } else {
      const hook = exitHooks[task.nr];
      if (hook !== undefined) hook(session, task);
      else recordSyscall(session, task);
    }
    // A call that was made with signals blocked (fork).
    unblock(session, task);
    if (task.proceedsLater) task.proceedsLater = false;
    else proceed(session, task);
  };
}
