/**
 * Merges streams by time. A stream whose next run has not been reached yet costs nothing: it stands in the heap with the
 * earliest time of that run, and the run is loaded when its turn comes.
 */
import type { StreamCursor } from './cursor.js';
import type { Matcher } from './filter.js';
import type { Frame, StreamId } from './schema/frames.js';

/** A frame and where it was read. */
export interface LogRecord {
  readonly frame: Frame;
  readonly stream: StreamId;
  /** Offset in the file of the frame's chunk, bytes. */
  readonly offset: number;
  /** Where the frame begins in the decompressed chunk, bytes. */
  readonly position: number;
}

interface Head {
  readonly cursor: StreamCursor;
  /** Time of the cursor's next frame, or no later than that. */
  time: number;
  /** Whether the cursor has stepped to that frame. */
  exact: boolean;
}

/** Frames of one stream keep their order even where their times don't; at equal times the lower stream comes first. */
export function* mergeStreams(
  cursors: readonly StreamCursor[],
  matcher: Matcher,
): Generator<LogRecord, void, undefined> {
  const heap: Head[] = [];
  for (const cursor of cursors) {
    const head: Head = { cursor, time: 0, exact: false };
    if (nextRun(head, matcher)) push(heap, head);
  }
  for (let head = heap[0]; head !== undefined; head = heap[0]) {
    const { cursor } = head;
    if (head.exact) {
      if (cursor.matches(matcher)) {
        const frame = cursor.take();
        yield { frame, stream: cursor.stream, offset: cursor.offset, position: cursor.position };
      } else {
        cursor.pass();
      }
    } else if (!cursor.enterRun()) {
      removeFirst(heap);
      continue;
    }
    if (cursor.step()) {
      head.time = cursor.head.time;
      head.exact = true;
    } else if (!nextRun(head, matcher)) {
      removeFirst(heap);
      continue;
    }
    sink(heap, 0);
  }
}

/** Moves a cursor at a run's end before its next run that has wanted frames. False if there is none. */
function nextRun(head: Head, matcher: Matcher): boolean {
  const { cursor } = head;
  head.exact = false;
  for (;;) {
    const run = cursor.upcoming;
    // The cursor has to find out itself whether the stream ends well.
    if (run === undefined) {
      head.time = Infinity;
      return matcher.to === Infinity;
    }
    const early = run.latest < matcher.from && !matcher.needsPast;
    if (!early && run.earliest < matcher.to) {
      head.time = run.earliest;
      return true;
    }
    cursor.skipRun();
  }
}

function before(a: Head, b: Head): boolean {
  return a.time !== b.time ? a.time < b.time : a.cursor.stream < b.cursor.stream;
}

function push(heap: Head[], head: Head): void {
  let i = heap.length;
  heap.push(head);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent] as Head;
    if (!before(head, above)) break;
    heap[i] = above;
    i = parent;
  }
  heap[i] = head;
}

function removeFirst(heap: Head[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  sink(heap, 0);
}

function sink(heap: Head[], at: number): void {
  let i = at;
  const head = heap[i] as Head;
  for (;;) {
    let child = 2 * i + 1;
    let below = heap[child];
    if (below === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, below)) {
      child++;
      below = right;
    }
    if (!before(below, head)) break;
    heap[i] = below;
    i = child;
  }
  heap[i] = head;
}
