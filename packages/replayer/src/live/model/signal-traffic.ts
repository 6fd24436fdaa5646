import type { ExitFrame, SignalFrame, TaskUid } from '@scribe-ts/tracelog';
import type { PendingSignals } from './pending-signals.js';
import { hasRunOut } from './open-file.js';
import type { PosixTimer, ProcessState, TaskState } from './process-state.js';

const SIGCHLD = 17;
const SIGCONT = 18;
/** SIGCHLD, SIGCONT, SIGURG, SIGWINCH. */
const IGNORED_BY_DEFAULT: ReadonlySet<number> = new Set([SIGCHLD, SIGCONT, 23, 28]);
const IGNORED = 1;
const SIGINFO = 128;
const SI_TKILL = -6;
const SI_TIMER = -2;
/** Of struct sigevent. */
const SIGEV_SIGNO = 8;
const SI_KERNEL = 0x80;
/** Those of setitimer, by ITIMER_*: SIGALRM, SIGVTALRM, SIGPROF. */
const TIMER_SIGNALS = [14, 26, 27];
const CLD_EXITED = 1;
const CLD_KILLED = 2;
const SIGNAL = 0x7f;

/** Signals on their way between the processes of a recording. */
export class SignalTraffic {
  /** Ids of all processes there have been. */
  readonly pids = new Set<number>();

  constructor(private readonly tasks: ReadonlyMap<TaskUid, TaskState>) {}

  /** To a process, `task` undefined, or to a thread of it. `sender`: who sends it. */
  send(
    to: ProcessState,
    task: TaskState | undefined,
    signo: number,
    time: number,
    info: Uint8Array,
    sender: number,
  ): void {
    if (signo === 0) return;
    if (signo === SIGCONT) to.stoppedBy = 0;
    if (this.isIgnored(to, signo) && !this.isBlocked(to, task, signo)) return;
    (task ?? to).pending.send({ signo, time, info }, sender);
  }

  /** As kill(2) means its first argument, by a process. */
  kill(from: ProcessState, pid: number, signo: number, time: number): void {
    const info = siginfo(signo, 0, from.pid);
    for (const to of this.processes()) {
      const isMeant =
        pid > 0
          ? to.pid === pid
          : pid === 0
            ? to.group === from.group
            : pid === -1
              ? to !== from
              : to.group === -pid;
      if (isMeant) this.send(to, undefined, signo, time, info, from.pid);
    }
  }

  /** A task has been given a signal, by a handler or otherwise. */
  delivered(task: TaskState, { signo, time, siginfo: info, action }: SignalFrame): void {
    if (action === 'stop') task.process.stoppedBy = signo;
    if (action === 'continue') task.process.stoppedBy = 0;
    const view = new DataView(info.buffer, info.byteOffset, info.length);
    const isWhole = info.length >= 20;
    this.taken(
      task,
      signo,
      time,
      isWhole ? view.getInt32(8, true) : 0,
      isWhole ? view.getInt32(16, true) : 0,
    );
  }

  /** `code` and `sender`: si_code, undefined where nobody was told; si_pid or si_timerid. */
  taken(
    task: TaskState,
    signo: number,
    time: number,
    code: number | undefined,
    sender: number,
  ): void {
    const { process } = task;
    if (code === SI_TIMER) timerRanOut(process.posixTimers.get(sender), time);
    if (code === undefined) timerRanOut(firstTimer(process, signo), time);
    if (code === SI_KERNEL || code === undefined) intervalTimerRanOut(process, signo, time);
    if (task.pending.deliver(signo, time) || process.pending.deliver(signo, time)) return;
    if (code === undefined || code > 0 || !this.pids.has(sender)) return;
    const queue: PendingSignals = code === SI_TKILL ? task.pending : process.pending;
    queue.deliverAhead(signo, sender);
  }

  /** What a process is told of the end of its child. */
  childEnded(child: ProcessState, { status, time }: ExitFrame): void {
    const { parent } = child;
    if (parent === undefined) return;
    const signal = status & SIGNAL;
    const info = siginfo(SIGCHLD, signal === 0 ? CLD_EXITED : CLD_KILLED, child.pid);
    new DataView(info.buffer).setInt32(24, signal === 0 ? (status >> 8) & 0xff : signal, true);
    this.send(parent, undefined, SIGCHLD, time, info, child.pid);
  }

  /** A disposition has been set: what is ignored is not pending any more. */
  actionSet(process: ProcessState, signo: number): void {
    if (!this.isIgnored(process, signo)) return;
    process.pending.forget(signo);
    for (const task of this.tasks.values())
      if (task.process === process) task.pending.forget(signo);
  }

  private processes(): Set<ProcessState> {
    return new Set([...this.tasks.values()].map(({ process }) => process));
  }

  private isIgnored({ handlers }: ProcessState, signo: number): boolean {
    const handler = handlers.actions[signo]?.handler ?? 0;
    return handler === IGNORED || (handler === 0 && IGNORED_BY_DEFAULT.has(signo));
  }

  private isBlocked(process: ProcessState, task: TaskState | undefined, signo: number): boolean {
    const bit = 1n << BigInt(signo - 1);
    const isIn = ({ mask }: TaskState): boolean => ((mask ?? 0n) & bit) !== 0n;
    if (task !== undefined) return isIn(task);
    const tasks = [...this.tasks.values()].filter((other) => other.process === process);
    return tasks.every(isIn);
  }
}

/** That of the timers with this signal which runs out first. */
function firstTimer({ posixTimers }: ProcessState, signo: number): PosixTimer | undefined {
  let first: PosixTimer | undefined;
  let firstEnd = Infinity;
  for (const timer of posixTimers.values()) {
    const { event, setting } = timer;
    // Without an event it is SIGALRM.
    if (setting === undefined || setting.interval !== 0 || (event?.[SIGEV_SIGNO] ?? 14) !== signo)
      continue;
    const end = setting.absolute ? setting.value : setting.time + setting.value;
    if (end >= firstEnd) continue;
    first = timer;
    firstEnd = end;
  }
  return first;
}

function timerRanOut(timer: PosixTimer | undefined, time: number): void {
  if (timer?.setting !== undefined && hasRunOut(timer.setting, time)) timer.setting = undefined;
}

function intervalTimerRanOut({ intervalTimers }: ProcessState, signo: number, time: number): void {
  const which = TIMER_SIGNALS.indexOf(signo);
  const setting = intervalTimers.get(which);
  if (setting !== undefined && hasRunOut(setting, time)) intervalTimers.delete(which);
}

/** siginfo_t of a signal that a process has sent, or that tells of its end. */
export function siginfo(signo: number, code: number, pid: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(SIGINFO));
  view.setInt32(0, signo, true);
  view.setInt32(8, code, true);
  view.setInt32(16, pid, true);
  return new Uint8Array(view.buffer);
}
