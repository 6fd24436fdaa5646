/** Draws where the baton went from one task to another. */
import type { AggregateTable } from '../src/model/aggregate.js';
import { SWITCHED } from '../src/model/event-code.js';
import type { TaskFacts } from '../src/model/facts.js';
import { ROW_HEIGHT, type LaneContext } from './lane-painter.js';

interface Row {
  readonly task: TaskFacts;
  readonly items: AggregateTable;
  readonly top: number;
}

/** With more events in view than this the lines would be a curtain. */
const MOST_EVENTS = 700;

interface Point {
  readonly start: number;
  readonly end: number;
  readonly y: number;
  readonly switched: boolean;
}

export function paintConnections(
  { context, scale, theme }: LaneContext,
  rows: readonly Row[],
): void {
  const streams = new Map<number, Point[]>();
  let events = 0;
  for (const { task, items, top } of rows) {
    const { start, end, count, code, first } = items.raw();
    for (let i = items.firstEndingFrom(scale.from); i < items.length; i++) {
      if (start[i]! > scale.to) break;
      // Where events stand as sums, nobody could tell whose switch a line is.
      if (count[i]! > 3 || ++events > MOST_EVENTS) return;
      const stream = streamOf(task, first[i]!);
      let points = streams.get(stream);
      if (points === undefined) streams.set(stream, (points = []));
      points.push({
        start: start[i]!,
        end: end[i]!,
        y: top + ROW_HEIGHT / 2,
        switched: (code[i]! & SWITCHED) !== 0,
      });
    }
  }
  context.strokeStyle = theme.muted;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  context.beginPath();
  for (const points of streams.values()) {
    points.sort((a, b) => a.end - b.end);
    for (let i = 1; i < points.length; i++) {
      const to = points[i]!;
      const from = points[i - 1]!;
      if (!to.switched || from.y === to.y) continue;
      const x = Math.round(scale.x(from.end)) + 0.5;
      context.moveTo(x, from.y);
      context.lineTo(x, to.y);
    }
  }
  context.stroke();
  context.globalAlpha = 1;
}

function streamOf(task: TaskFacts, event: number): number {
  let stream = -1;
  for (const part of task.streams) if (part.event <= event) stream = part.stream;
  return stream;
}
