/** Who held the baton: of tasks that share memory, one at a time runs. */
import type { Frame, StreamId, TaskUid } from '@scribe-ts/tracelog';

/** One task's share of its stream. Times are nanoseconds. */
export interface BatonShare {
  readonly task: TaskUid;
  /** How often it got the baton. */
  turns: number;
  /** How long it held it: it ran, or was in calls in which it kept it. */
  heldTime: number;
  /** How much of that it was in calls; the rest it ran. */
  callTime: number;
  longestTurn: number;
}

interface Stream {
  holder: TaskUid;
  /** Time of the stream's last frame. */
  last: number;
  turn: number;
}

/**
 * Follows the batons of all streams. A frame is only written by the task that holds the baton of its stream. So the time before a frame
 * was its task's, unless the task had given the baton up inside the call that the frame ends (a `block` frame): then it
 * slept, and nobody is known to have held it.
 */
export class Batons {
  readonly shares = new Map<TaskUid, BatonShare>();
  private readonly streams = new Map<StreamId, Stream>();
  /** Tasks that gave the baton up inside a call, and when. */
  private readonly asleep = new Map<TaskUid, number>();

  /** Takes the next frame of a stream into account. */
  push(frame: Frame, stream: StreamId): void {
    const { task, time } = frame;
    const share = this.shareOf(task);
    let at = this.streams.get(stream);
    if (at === undefined) this.streams.set(stream, (at = { holder: task, last: time, turn: 0 }));
    if (share.turns === 0 || at.holder !== task) {
      at.holder = task;
      at.turn = 0;
      share.turns++;
    }
    const gaveUp = this.asleep.get(task);
    const duration = frame.type === 'syscall' ? (frame.duration ?? 0) : 0;
    if (gaveUp !== undefined) {
      // It slept in the call with the baton until somebody else wanted it.
      share.callTime += Math.max(0, gaveUp - (time - duration));
    } else {
      const held = Math.max(0, time - at.last);
      at.turn += held;
      share.heldTime += held;
      share.callTime += Math.min(held, duration);
      if (at.turn > share.longestTurn) share.longestTurn = at.turn;
    }
    at.last = time;
    if (frame.type === 'block') this.asleep.set(task, time);
    else if (frame.type === 'syscall' || frame.type === 'exit') this.asleep.delete(task);
  }

  private shareOf(task: TaskUid): BatonShare {
    let share = this.shares.get(task);
    if (share === undefined) {
      share = { task, turns: 0, heldTime: 0, callTime: 0, longestTurn: 0 };
      this.shares.set(task, share);
    }
    return share;
  }
}

const HEAD = '     held   in calls      turns    longest task';

/** Lines of a table, who held it longest first. Times in seconds. `names` says what tasks are called. */
export function batonTable(
  shares: Iterable<BatonShare>,
  names: (task: TaskUid) => string,
): string[] {
  const rows = [...shares].sort((a, b) => b.heldTime - a.heldTime || a.task - b.task);
  const seconds = (ns: number): string => (ns / 1e9).toFixed(6);
  return [
    HEAD,
    '--------- ---------- ---------- ---------- ----------------',
    ...rows.map(({ task, turns, heldTime, callTime, longestTurn }) =>
      [
        seconds(heldTime).padStart(9),
        seconds(callTime).padStart(10),
        String(turns).padStart(10),
        seconds(longestTurn).padStart(10),
        names(task),
      ].join(' '),
    ),
  ];
}
