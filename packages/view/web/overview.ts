/** The whole recording in one strip, with the part in view marked. Dragging chooses another. */
import type { App } from './app.js';
import { byId, fitCanvas } from './dom.js';
import { Scale } from './scale.js';
import { onThemeChange, theme } from './theme.js';

const HEIGHT = 40;
const CLICK_PIXELS = 3;
/** Narrowest frame that can still be seen, pixels. */
const LEAST_FRAME = 3;

export class Overview {
  private readonly canvas = byId<HTMLCanvasElement>('overview');
  private width = 100;
  private press: { x: number; inside: boolean; from: number; to: number } | undefined;
  private queued = false;

  constructor(private readonly app: App) {
    const { canvas } = this;
    app.on('view', () => this.redraw());
    app.on('hits', () => this.redraw());
    onThemeChange(() => this.redraw());
    new ResizeObserver(() => {
      this.width = canvas.parentElement!.clientWidth;
      this.redraw();
    }).observe(canvas.parentElement!);
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      const { from, to } = app;
      const time = this.scale.time(event.offsetX);
      const narrow = to - from < (app.bounds.to - app.bounds.from) * 0.98;
      this.press = { x: event.offsetX, inside: narrow && time >= from && time <= to, from, to };
    });
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => {
      const { press, scale } = this;
      this.press = undefined;
      if (press === undefined || Math.abs(event.offsetX - press.x) > CLICK_PIXELS) return;
      const half = (app.to - app.from) / 2;
      const middle = scale.time(event.offsetX);
      app.show(middle - half, middle + half);
    });
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        app.zoom(Math.exp(event.deltaY * 0.004));
      },
      { passive: false },
    );
  }

  private get scale(): Scale {
    const { from, to } = this.app.bounds;
    return new Scale(from, to, this.width);
  }

  private move(event: PointerEvent): void {
    const { press, scale, app } = this;
    if (press === undefined || Math.abs(event.offsetX - press.x) <= CLICK_PIXELS) return;
    if (press.inside) {
      const by = scale.time(event.offsetX) - scale.time(press.x);
      app.show(press.from + by, press.to + by);
    } else {
      const times = [scale.time(press.x), scale.time(event.offsetX)].sort((a, b) => a - b);
      app.show(times[0]!, times[1]!);
    }
  }

  private redraw(): void {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  private draw(): void {
    const { app, scale, width } = this;
    const context = fitCanvas(this.canvas, width, HEIGHT);
    const colours = theme();
    const { step, events, failed } = app.facts.histogram;
    const most = Math.max(1, ...events);
    const tall = (value: number): number =>
      value === 0 ? 0 : Math.max(1, (Math.log2(1 + value) / Math.log2(1 + most)) * (HEIGHT - 8));
    events.forEach((value, i) => {
      if (value === 0) return;
      const left = scale.x(i * step);
      const wide = Math.max(1, scale.x((i + 1) * step) - left);
      const size = tall(value);
      context.fillStyle = colours.strong;
      context.fillRect(left, HEIGHT - 1 - size, wide, size);
      // A part of the bar, not a bar of its own: on a logarithmic scale few failures would look like many.
      const red = (size * failed[i]!) / value;
      context.fillStyle = colours.failed;
      context.fillRect(left, HEIGHT - 1 - red, wide, red);
    });
    context.fillStyle = colours.mark;
    for (const { time } of app.facts.bookmarks) {
      context.fillRect(Math.round(scale.x(time)), 0, 1, HEIGHT);
    }
    context.fillStyle = colours.accent;
    for (const { time } of app.hits) context.fillRect(scale.x(time) - 0.5, 0, 1, 5);
    const left = Math.max(0, scale.x(app.from));
    const right = Math.min(width, Math.max(scale.x(app.to), left + LEAST_FRAME));
    context.globalAlpha = 0.72;
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, left, HEIGHT);
    context.fillRect(right, 0, width - right, HEIGHT);
    context.globalAlpha = 1;
    context.strokeStyle = colours.accent;
    context.lineWidth = 1.5;
    context.strokeRect(left + 0.75, 0.75, Math.max(1, right - left - 1.5), HEIGHT - 1.5);
  }
}
