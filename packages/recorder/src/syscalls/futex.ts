import { Resume, stateOf, Sys } from '@scribe-ts/core-native';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './hook.js';
import { int32, readInt } from './words.js';

const FUTEX_COMMANDS_THAT_WAIT: ReadonlySet<number> = new Set([0, 6, 9, 11, 13]);
const FUTEX_COMMANDS_THAT_WAIT_FOR_OWNERS: ReadonlySet<number> = new Set([6, 11, 13]);
const FUTEX_COMMAND_MASK = 0x7f;

/**
 * A task that waits for a lock of the priority-inheriting kind marks the lock's word before it sleeps: others see that
 * with no call of theirs. So let it happen before they run, and tell replay.
 */
function futexEntry(session: Session, task: Task): boolean {
  const command = Number(task.args[1]) & FUTEX_COMMAND_MASK;
  // Those that do not wait may store into a word that others look at: nobody may run before that is recorded.
  if (!FUTEX_COMMANDS_THAT_WAIT.has(command)) task.mayYield = false;
  if (task.domain.tasks.size === 1 || !FUTEX_COMMANDS_THAT_WAIT_FOR_OWNERS.has(command))
    return false;
  // WAIT_REQUEUE_PI waits on one word and locks another.
  const addr = Number(command === 11 ? task.args[4] : task.args[0]);
  session.tracer.resume(task.tid, Resume.Syscall, 0);
  if (!sleeps(task.tid)) return true;
  const value = readInt(session, task, addr);
  if (value !== undefined) {
    session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
    task.blocked = true;
    session.emit(task, {
      type: 'kernel-write',
      task: task.uid,
      time: session.now,
      writes: [{ addr, bytes: int32(value) }],
    });
    session.baton.pass(task.domain);
  }
  return true;
}

/** Waits until a task that was let into a call sleeps in it (true), or has come out (false). */
function sleeps(tid: number): boolean {
  for (;;) {
    const state = stateOf(tid);
    if (state !== 'R') return state === 'S' || state === 'D';
  }
}

const FUTEX_WAKE = 1;
const FUTEX_WAKE_BITSET = 10;
/** How often a woken task goes first. */
const WOKEN_FIRST = 0.25;

function futexExit(session: Session, task: Task): void {
  recordSyscall(session, task);
  const command = Number(task.args[1]) & FUTEX_COMMAND_MASK;
  const woke = (command === FUTEX_WAKE || command === FUTEX_WAKE_BITSET) && Number(task.result) > 0;
  // The agent leaves those to us that are to go first.
  const first = task.taken || Math.random() < WOKEN_FIRST;
  task.wokeOthers = woke && task.domain.tasks.size > 1 && first;
}

export const futexEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.futex]: futexEntry,
};

export const futexExits: Readonly<Record<number, ExitHook>> = {
  [Sys.futex]: futexExit,
};
