/** The timeline: ruler, counters, and a lane for each task beside the tree of processes. */
import type { App } from './app.js';
import { paintConnections } from './connection-painter.js';
import { paintCounters, paintRuler } from './header-painter.js';
import { byId, fitCanvas } from './dom.js';
import { hitTest, type Hit } from './hit-test.js';
import { LaneCache } from './lane-cache.js';
import { paintLane, ROW_HEIGHT, type LaneContext } from './lane-painter.js';
import { Scale } from './scale.js';
import { onThemeChange, theme } from './theme.js';
import { Tooltip } from './tooltip.js';
import { TreeColumn } from './tree-column.js';

const RULER_HEIGHT = 26;
const COUNTERS_HEIGHT = 44;
/** Rows fetched above and below what is in view. */
const ROWS_BESIDE = 6;
const CLICK_PIXELS = 4;

export class Timeline {
  private readonly scroller = byId('lanes');
  private readonly spacer = byId('lanes-spacer');
  private readonly canvas = byId<HTMLCanvasElement>('lanes-canvas');
  private readonly head = byId<HTMLCanvasElement>('head-canvas');
  private readonly tree: TreeColumn;
  private readonly cache: LaneCache;
  private readonly tooltip = new Tooltip();
  private width = 100;
  private height = 100;
  private queued = false;
  private drag:
    { x: number; y: number; from: number; to: number; top: number; range: boolean } | undefined;
  /** Where a range is being chosen, pixels. */
  private range: { left: number; right: number } | undefined;
  private pointer: { x: number; y: number } | undefined;

  constructor(private readonly app: App) {
    this.cache = new LaneCache(app, () => this.redraw());
    this.tree = new TreeColumn(app);
    app.on('view', () => this.redraw());
    app.on('select', () => this.redraw());
    app.on('hits', () => this.redraw());
    app.on('rows', () => this.layout());
    app.on('row', () => this.showRow());
    this.scroller.addEventListener('scroll', () => this.redraw());
    for (const canvas of [this.canvas, this.head]) this.listen(canvas);
    new ResizeObserver(() => this.layout()).observe(this.scroller);
    onThemeChange(() => this.redraw());
    this.layout();
  }

  /** The wheel, and the pointer. */
  private listen(canvas: HTMLCanvasElement): void {
    canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    canvas.addEventListener('pointerdown', (event) => this.press(event, canvas));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.release(event));
    canvas.addEventListener('pointerleave', () => {
      this.pointer = undefined;
      this.tooltip.hide();
      this.redraw();
    });
    canvas.addEventListener('dblclick', (event) => {
      const hit = this.hit(event);
      if (hit === undefined) this.app.zoom(0.4, event.offsetX / this.width);
      else this.zoomTo(hit);
    });
  }

  private layout(): void {
    const rows = this.app.rows.length;
    this.spacer.style.height = `${rows * ROW_HEIGHT}px`;
    this.width = Math.max(100, this.head.parentElement!.clientWidth);
    this.height = this.scroller.clientHeight;
    this.redraw();
  }

  /** Scrolls so that the keyboard's row can be seen. */
  private showRow(): void {
    const top = this.app.currentRow * ROW_HEIGHT;
    const { scrollTop } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW_HEIGHT > scrollTop + this.height) {
      this.scroller.scrollTop = top + ROW_HEIGHT - this.height;
    }
    this.redraw();
  }

  redraw(): void {
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw();
    });
  }

  private get scale(): Scale {
    return new Scale(this.app.from, this.app.to, this.width);
  }

  private draw(): void {
    const { app, width, height, scale } = this;
    const { scrollTop } = this.scroller;
    const first = Math.floor(scrollTop / ROW_HEIGHT);
    const last = Math.min(app.rows.length, Math.ceil((scrollTop + height) / ROW_HEIGHT));
    const from = Math.max(0, first - ROWS_BESIDE);
    const wanted = app.rows.slice(from, last + ROWS_BESIDE).map(({ task }) => task.uid);
    this.cache.want(wanted, width);
    this.tree.draw(first, last);
    this.canvas.parentElement!.style.height = `${height}px`;
    const context = fitCanvas(this.canvas, width, height);
    const colours = theme();
    context.font = `11px ${colours.mono}`;
    context.textBaseline = 'middle';
    let most = 1;
    const tables = app.rows.slice(first, last).map(({ task }) => this.cache.lane(task.uid));
    for (const table of tables) {
      const { count } = table.raw();
      for (let i = 0; i < table.length; i++) if (count[i]! > most) most = count[i]!;
    }
    const lane: LaneContext = {
      context,
      scale,
      theme: colours,
      table: app.categories,
      facts: app.facts,
      most,
      selected: app.selection,
    };
    for (let row = first; row < last; row++) {
      const top = row * ROW_HEIGHT - scrollTop;
      if (row === app.currentRow) {
        context.fillStyle = colours.faint;
        context.fillRect(0, top, width, ROW_HEIGHT);
      }
      context.fillStyle = colours.line;
      context.fillRect(0, top + ROW_HEIGHT - 1, width, 1);
      paintLane(lane, tables[row - first]!, app.rows[row]!.task, top);
    }
    const rows = app.rows.slice(first, last).map(({ task }, i) => {
      return { task, items: tables[i]!, top: (first + i) * ROW_HEIGHT - scrollTop };
    });
    paintConnections(lane, rows);
    this.paintAcross(context, height);
    this.drawHead();
  }

  private drawHead(): void {
    const { app, width, scale } = this;
    const context = fitCanvas(this.head, width, RULER_HEIGHT + COUNTERS_HEIGHT);
    paintRuler(context, scale, app, theme(), RULER_HEIGHT);
    const { counters, countersFrom } = this.cache;
    if (counters !== undefined) {
      paintCounters(context, scale, counters, countersFrom, theme(), RULER_HEIGHT, COUNTERS_HEIGHT);
    }
    this.paintAcross(context, RULER_HEIGHT + COUNTERS_HEIGHT);
  }

  /** What goes over all lanes: bookmarks, the range being chosen, the pointer's time. */
  private paintAcross(context: CanvasRenderingContext2D, height: number): void {
    const { app, scale, range, pointer } = this;
    const colours = theme();
    context.fillStyle = colours.mark;
    for (const { time } of app.facts.bookmarks) {
      const x = Math.round(scale.x(time));
      if (x < 0 || x > this.width) continue;
      for (let y = 0; y < height; y += 6) context.fillRect(x, y, 1, 3);
    }
    if (range !== undefined) {
      context.globalAlpha = 0.18;
      context.fillStyle = colours.accent;
      context.fillRect(range.left, 0, range.right - range.left, height);
      context.globalAlpha = 1;
      context.fillRect(range.left, 0, 1, height);
      context.fillRect(range.right, 0, 1, height);
    } else if (pointer !== undefined && this.drag === undefined) {
      context.fillStyle = colours.strong;
      context.fillRect(Math.round(pointer.x), 0, 1, height);
    }
  }

  private hit(event: { readonly offsetX: number; readonly offsetY: number }): Hit | undefined {
    const row = Math.floor((event.offsetY + this.scroller.scrollTop) / ROW_HEIGHT);
    const task = this.app.rows[row]?.task;
    if (task === undefined) return undefined;
    return hitTest(this.cache.lane(task.uid), task, this.scale, event.offsetX);
  }

  private wheel(event: WheelEvent): void {
    const sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.app.zoom(Math.exp(event.deltaY * 0.004), event.offsetX / this.width);
    } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      event.preventDefault();
      this.app.pan(sideways / this.width);
    } else if (event.currentTarget === this.head) {
      event.preventDefault();
      this.app.zoom(Math.exp(event.deltaY * 0.004), event.offsetX / this.width);
    }
  }

  private press(event: PointerEvent, canvas: HTMLCanvasElement): void {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const { from, to } = this.app;
    const range = event.shiftKey || canvas === this.head;
    this.drag = {
      x: event.offsetX,
      y: event.clientY,
      from,
      to,
      top: this.scroller.scrollTop,
      range,
    };
    this.tooltip.hide();
    this.scroller.focus({ preventScroll: true });
  }

  private move(event: PointerEvent): void {
    const { drag, width } = this;
    this.pointer = { x: event.offsetX, y: event.offsetY };
    if (drag === undefined) {
      const hit = event.currentTarget === this.canvas ? this.hit(event) : undefined;
      if (hit === undefined) this.tooltip.hide();
      else this.tooltip.show(hit, this.app, event.clientX, event.clientY);
      this.canvas.style.cursor = hit === undefined ? '' : 'pointer';
      this.redraw();
      return;
    }
    const by = event.offsetX - drag.x;
    if (drag.range) {
      const x = Math.max(0, Math.min(event.offsetX, width));
      this.range = { left: Math.min(x, drag.x), right: Math.max(x, drag.x) };
      this.redraw();
    } else {
      const time = (by / width) * (drag.to - drag.from);
      this.app.show(drag.from - time, drag.to - time);
      this.scroller.scrollTop = drag.top - (event.clientY - drag.y);
    }
  }

  private release(event: PointerEvent): void {
    const { drag, range } = this;
    this.drag = undefined;
    this.range = undefined;
    if (drag === undefined) return;
    const moved =
      Math.abs(event.offsetX - drag.x) > CLICK_PIXELS ||
      Math.abs(event.clientY - drag.y) > CLICK_PIXELS;
    if (range !== undefined && range.right - range.left > CLICK_PIXELS) {
      const { scale } = this;
      this.app.show(scale.time(range.left), scale.time(range.right));
    } else if (!moved && event.currentTarget === this.canvas) this.click(event);
    this.redraw();
  }

  private click(event: PointerEvent): void {
    const row = Math.floor((event.offsetY + this.scroller.scrollTop) / ROW_HEIGHT);
    if (this.app.rows[row] !== undefined) this.app.moveTo(row);
    const hit = this.hit(event);
    if (hit === undefined) return;
    const duration = hit.count === 1 ? hit.end - hit.start : 0;
    const time = hit.count === 1 ? hit.end : hit.start;
    this.app.select({ task: hit.task.uid, index: hit.first, time, duration });
  }

  private zoomTo(hit: Hit): void {
    const room = Math.max((hit.end - hit.start) * 0.25, 500);
    this.app.show(hit.start - room, hit.end + room);
  }
}
