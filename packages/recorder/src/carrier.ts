import { Signal } from '@scribe-ts/core-native';
import type { Session } from './session.js';
import type { Task } from './tasks.js';
import { waitingSignals } from './waiting-signals.js';

/** Signals that do nothing when they are sent, and nothing to a program that has no handler for them. */
const PLAIN: readonly number[] = [Signal.SIGWINCH, Signal.SIGURG, Signal.SIGCHLD];

/** True for a signal that the kernel takes out of the queues when the other kind is sent (prepare_signal). */
function isStop(signo: number): boolean {
  switch (signo) {
    case Signal.SIGSTOP:
    case Signal.SIGTSTP:
    case Signal.SIGTTIN:
    case Signal.SIGTTOU:
      return true;
    default:
      return false;
  }
}

/**
 * The signal to send to a stopped task so that it stops for it, and a held one can take its place. To send SIGCONT undoes
 * stops that are under way or pending, and to send a stop undoes SIGCONT: what the program has sent once must not be sent
 * once more, after what it has sent since.
 */
export function carrierOf(session: Session, task: Task, signo: number): number {
  if (signo !== Signal.SIGCONT && !isStop(signo)) return signo;
  const mask = session.tracer.getSigmask(task.tid);
  const waiting = waitingSignals(task);
  // One that is pending already would be taken for ours.
  const isFree = (plain: number): boolean =>
    ((mask[(plain - 1) >> 3]! >> ((plain - 1) & 7)) & 1) === 0 && !waiting.includes(plain);
  return PLAIN.find(isFree) ?? signo;
}

/** True if the kernel would have dropped a pending signal by now, because the other kind has been sent after it. */
export function isUndone(task: Task, signo: number): boolean {
  if (signo === Signal.SIGCONT) return waitingSignals(task).some(isStop);
  return isStop(signo) && waitingSignals(task).includes(Signal.SIGCONT);
}
