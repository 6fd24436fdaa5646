/** Draws the ruler and the counters above the lanes. */
import type { Counters } from '../src/model/source.js';
import type { App } from './app.js';
import { bytes, compact } from './format.js';
import { markText, roundStep, type Scale } from './scale.js';
import type { Theme } from './theme.js';

/** Least room between two marks of the ruler, pixels. */
const MARK_ROOM = 110;
const FLAG_ROOM = 90;

export function paintRuler(
  context: CanvasRenderingContext2D,
  scale: Scale,
  app: App,
  theme: Theme,
  height: number,
): void {
  const step = roundStep(scale.resolution * MARK_ROOM);
  context.font = `11px ${theme.sans}`;
  context.textBaseline = 'middle';
  const flags = flagsOf(context, scale, app);
  const first = Math.max(0, Math.ceil(scale.from / step) * step);
  for (let time = first; time <= scale.to; time += step) {
    const x = Math.round(scale.x(time));
    context.fillStyle = theme.strong;
    context.fillRect(x, height - 7, 1, 7);
    const text = markText(time, step);
    const end = x + 8 + context.measureText(text).width;
    // A label that would be cut off or covered says the wrong thing.
    if (end < scale.width && !flags.some((flag) => flag.left < end && flag.right > x)) {
      context.fillStyle = theme.muted;
      context.fillText(text, x + 5, height / 2 - 1);
    }
    context.fillStyle = theme.line;
    for (let i = 1; i < 5; i++) {
      const minor = Math.round(scale.x(time + (step * i) / 5));
      context.fillRect(minor, height - 4, 1, 4);
    }
  }
  for (const { left, right, text } of flags) {
    context.fillStyle = theme.mark;
    context.fillRect(left, 3, right - left, height - 10);
    context.fillStyle = theme.panel;
    context.fillText(text, left + 5, height / 2 - 1.5);
  }
  for (const { time } of app.hits) {
    const x = scale.x(time);
    if (x < 0 || x > scale.width) continue;
    context.fillStyle = theme.accent;
    context.fillRect(x - 1, height - 5, 2, 5);
  }
  context.fillStyle = theme.line;
  context.fillRect(0, height - 1, scale.width, 1);
}

interface Flag {
  readonly left: number;
  readonly right: number;
  readonly text: string;
}

/** Where bookmarks are named; one that has no room beside the one before is only a line. */
function flagsOf(context: CanvasRenderingContext2D, scale: Scale, app: App): Flag[] {
  const flags: Flag[] = [];
  for (const { time, name, id } of app.facts.bookmarks) {
    const left = Math.round(scale.x(time));
    if (left < -FLAG_ROOM || left > scale.width) continue;
    if (left < (flags.at(-1)?.right ?? -Infinity) + 4) continue;
    const text = name === '' ? `bookmark ${id}` : name;
    flags.push({ left, right: left + context.measureText(text).width + 10, text });
  }
  return flags;
}

export function paintCounters(
  context: CanvasRenderingContext2D,
  scale: Scale,
  counters: Counters,
  from: number,
  theme: Theme,
  top: number,
  height: number,
): void {
  const half = Math.floor(height / 2);
  const perSecond = 1e9 / counters.step;
  const both = counters.bytesIn.map((value, i) => value + counters.bytesOut[i]!);
  const shown = (values: readonly number[]): number => {
    let most = 0;
    values.forEach((value, i) => {
      const time = from + i * counters.step;
      if (time + counters.step >= scale.from && time <= scale.to && value > most) most = value;
    });
    return most;
  };
  const bars = (values: readonly number[], most: number, colour: string, y: number): void => {
    if (most === 0) return;
    context.fillStyle = colour;
    const room = half - 6;
    values.forEach((value, i) => {
      if (value === 0) return;
      const left = scale.x(from + i * counters.step);
      const right = scale.x(from + (i + 1) * counters.step);
      if (right < 0 || left > scale.width) return;
      const tall = Math.max(1, (value / most) * room);
      context.fillRect(left, y + half - 1 - tall, Math.max(1, right - left), tall);
    });
  };
  const events = shown(counters.events);
  bars(counters.events, events, theme.strong, top);
  bars(counters.failed, events, theme.failed, top);
  const volume = shown(both);
  bars(both, volume, theme.categories[0]!, top + half);
  context.font = `10.5px ${theme.sans}`;
  label(
    context,
    theme,
    `peak ${compact(Math.round(events * perSecond))} events/s`,
    top + 9,
    scale.width,
  );
  label(
    context,
    theme,
    `peak ${bytes(Math.round(volume * perSecond))}/s`,
    top + half + 9,
    scale.width,
  );
  context.fillStyle = theme.line;
  context.fillRect(0, top + half, scale.width, 1);
  context.fillRect(0, top + height - 1, scale.width, 1);
}

function label(
  context: CanvasRenderingContext2D,
  theme: Theme,
  text: string,
  y: number,
  right: number,
): void {
  const width = context.measureText(text).width;
  context.globalAlpha = 0.85;
  context.fillStyle = theme.panel;
  context.fillRect(right - width - 12, y - 8, width + 12, 16);
  context.globalAlpha = 1;
  context.fillStyle = theme.muted;
  context.fillText(text, right - width - 6, y);
}
