/** Draws the events of one task. */
import type { AggregateTable } from '../src/model/aggregate.js';
import { CATEGORY_COUNT, categoryOf } from '../src/model/categories.js';
import { BLOCKED, eventKind, FAILED, syscallNumber, UNFINISHED } from '../src/model/event-code.js';
import type { LogFacts, TaskFacts } from '../src/model/facts.js';
import type { Scale } from './scale.js';
import type { Theme } from './theme.js';

export const ROW_HEIGHT = 30;
/** Of calls, inside a row. */
const CALL_TOP = 4;
const CALL_HEIGHT = 19;
/** Of the line below them that tells whether the task runs. */
const STATE_TOP = 25;
const STATE_HEIGHT = 2;
const LEAST_WIDTH = 1.5;
const LABEL_ROOM = 26;

export interface LaneContext {
  readonly context: CanvasRenderingContext2D;
  readonly scale: Scale;
  readonly theme: Theme;
  readonly table: Uint8Array;
  readonly facts: LogFacts;
  /** Most events of one sum in view: what full height stands for. */
  readonly most: number;
  readonly selected: { readonly task: number; readonly index: number } | undefined;
}

export function paintLane(
  lane: LaneContext,
  items: AggregateTable,
  task: TaskFacts,
  top: number,
): void {
  paintLife(lane, task, top);
  const { scale } = lane;
  const { start, end, count, waited, before, calls } = items.raw();
  const { waiting, lane: idle } = lane.theme;
  for (let i = items.firstEndingFrom(scale.from); i < items.length; i++) {
    const left = scale.x(start[i]!);
    if (before[i]! > 0) paintState(lane, scale.x(start[i]! - before[i]!), left, waiting, top);
    if (start[i]! > scale.to) break;
    const right = Math.max(scale.x(end[i]!), left + LEAST_WIDTH);
    if (count[i]! === 1) {
      paintState(lane, left, right, idle, top);
      paintEvent(lane, items, i, task, left, right, top);
      continue;
    }
    paintSum(lane, items, i, left, right, top);
    const inside = waited[i]! - before[i]!;
    const running = end[i]! - start[i]! - inside - calls[i]!;
    if (inside > running && inside > calls[i]!) paintState(lane, left, right, waiting, top);
    else if (calls[i]! > running) paintState(lane, left, right, idle, top);
  }
}

/** From the task's birth to its end, as if it ran all the time: the rest is painted over. */
function paintLife(
  { context, scale, theme, facts }: LaneContext,
  task: TaskFacts,
  top: number,
): void {
  const left = Math.max(0, scale.x(task.born));
  const right = Math.min(scale.width, scale.x(task.died ?? facts.duration));
  if (right < 0 || left > scale.width) return;
  context.fillStyle = theme.lane;
  context.fillRect(left, top + CALL_TOP, Math.max(1, right - left), CALL_HEIGHT);
  context.fillStyle = theme.running;
  context.fillRect(left, top + STATE_TOP, Math.max(1, right - left), STATE_HEIGHT);
}

function paintState(
  { context, scale }: LaneContext,
  left: number,
  right: number,
  colour: string,
  top: number,
): void {
  const from = Math.max(0, left);
  const to = Math.min(scale.width, right);
  if (to <= from) return;
  context.fillStyle = colour;
  context.fillRect(from, top + STATE_TOP, to - from, STATE_HEIGHT);
}

/** A column whose height tells how many events there are, and whose colours which. */
function paintSum(
  { context, theme, most }: LaneContext,
  items: AggregateTable,
  i: number,
  left: number,
  right: number,
  top: number,
): void {
  const { count, failed, categories } = items.raw();
  const total = count[i]!;
  const part = most <= 1 ? 1 : Math.log2(1 + total) / Math.log2(1 + most);
  const height = CALL_HEIGHT * (0.3 + 0.7 * Math.min(1, part));
  let bottom = top + CALL_TOP + CALL_HEIGHT;
  for (let c = 0; c < CATEGORY_COUNT; c++) {
    const share = categories[i * CATEGORY_COUNT + c]!;
    if (share === 0) continue;
    const tall = (height * share) / total;
    context.fillStyle = theme.categories[c]!;
    context.fillRect(left, bottom - tall, right - left, tall);
    bottom -= tall;
  }
  if (failed[i]! > 0) {
    context.fillStyle = theme.failed;
    context.fillRect(left, top + CALL_TOP - 3, right - left, 2);
  }
}

function paintEvent(
  lane: LaneContext,
  items: AggregateTable,
  i: number,
  task: TaskFacts,
  left: number,
  right: number,
  top: number,
): void {
  const { context, theme, table, scale, facts } = lane;
  const { code: codes, first } = items.raw();
  const code = codes[i]!;
  const category = categoryOf(table, code);
  const y = top + CALL_TOP;
  const from = Math.max(-4, left);
  const to = Math.min(scale.width + 4, right);
  context.fillStyle = theme.categories[category]!;
  const nr = syscallNumber(code);
  if (nr < 0) paintMarker(context, left, y, eventKind(code) === 'signal');
  else {
    const gap = to - from > 4 ? 0.5 : 0;
    context.fillRect(from, y, to - from - gap, CALL_HEIGHT);
    if ((code & (BLOCKED | UNFINISHED)) !== 0 && to - from > 6) hatch(lane, from, to - gap, y);
  }
  if ((code & FAILED) !== 0) {
    context.fillStyle = theme.failed;
    context.fillRect(from, y - 3, Math.max(2, to - from - 0.5), 2);
  }
  if (lane.selected?.task === task.uid && lane.selected.index === first[i]) {
    context.strokeStyle = theme.selection;
    context.lineWidth = 2;
    context.strokeRect(from - 1, y - 1, Math.max(4, to - from) + 1, CALL_HEIGHT + 2);
  }
  if (nr < 0 || to - from < LABEL_ROOM) return;
  const name = facts.calls[nr] || `syscall ${nr}`;
  // A bar that begins before what is in view has its name where it can be seen.
  const seen = Math.max(0, from);
  const text = fitted(context, (code & UNFINISHED) === 0 ? name : `${name} …`, to - seen - 8);
  if (text === '') return;
  context.fillStyle = theme.onCategories[category]!;
  context.fillText(text, seen + 4, y + CALL_HEIGHT / 2 + 0.5);
}

/** What is no call has no length: a lozenge, or a triangle for a signal. */
function paintMarker(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  signal: boolean,
): void {
  const middle = y + CALL_HEIGHT / 2;
  context.beginPath();
  if (signal) {
    context.moveTo(x - 5, y);
    context.lineTo(x + 5, y);
    context.lineTo(x, y + CALL_HEIGHT);
  } else {
    context.moveTo(x, middle - 6);
    context.lineTo(x + 4, middle);
    context.lineTo(x, middle + 6);
    context.lineTo(x - 4, middle);
  }
  context.closePath();
  context.fill();
}

/** Slanted lines: the task had given the baton away. */
function hatch({ context, theme }: LaneContext, left: number, right: number, y: number): void {
  context.save();
  context.beginPath();
  context.rect(left, y, right - left, CALL_HEIGHT);
  context.clip();
  context.strokeStyle = theme.lane;
  context.globalAlpha = 0.45;
  context.lineWidth = 1.5;
  context.beginPath();
  const phase = left - (left % 7);
  for (let x = phase - CALL_HEIGHT; x < right; x += 7) {
    context.moveTo(x, y + CALL_HEIGHT);
    context.lineTo(x + CALL_HEIGHT, y);
  }
  context.stroke();
  context.restore();
}

const widths = new Map<string, number>();

/** As much of a text as fits, '' if that would not be readable. */
function fitted(context: CanvasRenderingContext2D, text: string, room: number): string {
  let width = widths.get(text);
  if (width === undefined) {
    width = context.measureText(text).width;
    widths.set(text, width);
  }
  if (width <= room) return text;
  const letters = Math.floor((room / width) * text.length) - 1;
  return letters < 3 ? '' : `${text.slice(0, letters)}…`;
}
