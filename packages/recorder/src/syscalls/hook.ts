import type { Session } from '../session.js';
import type { Task } from '../tasks.js';

/** Runs at a syscall's entry. True if it has taken care of the call itself: nothing more is to be done. */
export type EntryHook = (session: Session, task: Task) => boolean;
/** Runs at a syscall's exit with the baton held, instead of the plain recording of its result. */
export type ExitHook = (session: Session, task: Task) => void;
