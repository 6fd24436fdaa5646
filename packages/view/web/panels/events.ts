/** The events as a list that has no ends: more are fetched when one of them is near. */
import { categoryOf, CATEGORIES } from '../../src/model/categories.js';
import { FAILED } from '../../src/model/event-code.js';
import type { EventKey, EventRow } from '../../src/model/source.js';
import type { App, Selection } from '../app.js';
import { emptyState, h } from '../dom.js';
import { moment, span } from '../format.js';

const PAGE = 150;
const MAX_ROWS = 900;
const NEAR_PIXELS = 400;
const FOLLOW_MS = 250;

export class EventsPanel {
  readonly element: HTMLElement;
  private readonly list = h('div', {
    class: 'event-list',
    role: 'listbox',
    tabIndex: 0,
    aria: { label: 'Events in the order of time' },
  });
  private readonly only = h('input', { type: 'checkbox', id: 'only-task' });
  private rows: EventRow[] = [];
  private atStart = false;
  private atEnd = false;
  private busy = false;
  private request = 0;
  private visible = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wanted: EventKey | undefined;

  constructor(private readonly app: App) {
    const label = h('label', {}, this.only, ' Only the selected task');
    this.element = h(
      'div',
      { class: 'panel-column' },
      h('div', { class: 'panel-bar' }, label, h('span', { class: 'hint' }, '↑ ↓ to step')),
      this.list,
    );
    this.only.addEventListener('change', () => void this.open(this.place()));
    this.list.addEventListener('scroll', () => this.scrolled());
    this.list.addEventListener('keydown', (event) => this.key(event));
    app.on('select', (selection) => this.selected(selection));
    app.on('view', () => this.follow());
  }

  /** With nothing selected the list begins where the timeline does. */
  private follow(): void {
    clearTimeout(this.timer);
    if (!this.visible || this.app.selection !== undefined) return;
    this.timer = setTimeout(() => void this.open(this.place()), FOLLOW_MS);
  }

  show(): void {
    this.visible = true;
    const { selection } = this.app;
    if (this.wanted !== undefined || this.rows.length === 0) {
      void this.open(this.wanted ?? this.place());
    } else if (selection !== undefined) this.mark(selection, true);
  }

  hide(): void {
    this.visible = false;
  }

  private place(): EventKey {
    const { selection, from } = this.app;
    return selection ?? { time: Math.max(0, from), task: 0, index: -1 };
  }

  private get tasks(): { readonly tasks?: readonly number[] } {
    if (!this.only.checked) return {};
    const task = this.app.selection?.task ?? this.app.rows[this.app.currentRow]?.task.uid;
    return task === undefined ? {} : { tasks: [task] };
  }

  private selected(selection: Selection | undefined): void {
    if (selection === undefined) return;
    if (!this.visible) {
      this.wanted = selection;
      return;
    }
    if (this.mark(selection, true)) return;
    void this.open(selection);
  }

  /** Fills the list around a place. */
  private async open(key: EventKey): Promise<void> {
    this.wanted = undefined;
    const request = ++this.request;
    this.busy = true;
    const { source } = this.app;
    const { tasks } = this;
    const before = { ...key, index: key.index - 0.5 };
    try {
      const [older, newer] = await Promise.all([
        source.list({ ...tasks, key: before, direction: 'backward', count: PAGE }),
        source.list({ ...tasks, key: before, direction: 'forward', count: PAGE }),
      ]);
      if (request !== this.request) return;
      this.rows = [...older, ...newer];
      this.atStart = older.length < PAGE;
      this.atEnd = newer.length < PAGE;
      this.fill();
      const anchor = this.list.children[older.length] as HTMLElement | undefined;
      if (anchor !== undefined) {
        const { selection } = this.app;
        const room = selection === undefined ? 0 : this.list.clientHeight / 2;
        this.list.scrollTop = anchor.offsetTop - room;
      }
      if (this.app.selection !== undefined) this.mark(this.app.selection, false);
    } catch (error) {
      this.app.emit('problem', (error as Error).message);
    } finally {
      this.busy = false;
    }
  }

  private fill(): void {
    if (this.rows.length === 0) {
      this.list.replaceChildren(emptyState('No events', 'Nothing of this was recorded.'));
      return;
    }
    this.list.replaceChildren(...this.rows.map((row) => this.line(row)));
  }

  private line(row: EventRow): HTMLElement {
    return eventLine(this.app, row, () => this.choose(row));
  }

  private choose(row: EventRow): void {
    this.app.reveal({ task: row.task, index: row.index, time: row.time, duration: row.duration });
  }

  /** Marks the line of an event; false if it has none. */
  private mark({ task, index }: Selection, scroll: boolean): boolean {
    for (const old of this.list.querySelectorAll('.selected')) {
      old.classList.remove('selected');
      old.setAttribute('aria-selected', 'false');
    }
    const at = this.rows.findIndex((row) => row.task === task && row.index === index);
    const line = this.list.children[at] as HTMLElement | undefined;
    if (at < 0 || line === undefined) return false;
    line.classList.add('selected');
    line.setAttribute('aria-selected', 'true');
    if (scroll) line.scrollIntoView({ block: 'nearest' });
    return true;
  }

  private key(event: KeyboardEvent): void {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { selection } = this.app;
    const at = this.rows.findIndex(
      (row) => row.task === selection?.task && row.index === selection.index,
    );
    const next = this.rows[at < 0 ? 0 : at + by];
    if (next !== undefined) this.choose(next);
  }

  private scrolled(): void {
    const { list } = this;
    if (this.busy || this.rows.length === 0) return;
    if (list.scrollTop < NEAR_PIXELS && !this.atStart) void this.more('backward');
    else if (list.scrollTop + list.clientHeight > list.scrollHeight - NEAR_PIXELS && !this.atEnd) {
      void this.more('forward');
    }
  }

  private async more(direction: 'forward' | 'backward'): Promise<void> {
    const request = this.request;
    this.busy = true;
    const { list } = this;
    const forward = direction === 'forward';
    const key = forward ? this.rows.at(-1)! : this.rows[0]!;
    try {
      const rows = await this.app.source.list({ ...this.tasks, key, direction, count: PAGE });
      if (request !== this.request) return;
      const lines = rows.map((row) => this.line(row));
      if (forward) {
        this.atEnd = rows.length < PAGE;
        this.rows.push(...rows);
        list.append(...lines);
        this.trim(this.rows.length - MAX_ROWS, true);
      } else {
        this.atStart = rows.length < PAGE;
        const height = list.scrollHeight;
        this.rows.unshift(...rows);
        list.prepend(...lines);
        list.scrollTop += list.scrollHeight - height;
        this.trim(this.rows.length - MAX_ROWS, false);
      }
      if (this.app.selection !== undefined) this.mark(this.app.selection, false);
    } catch (error) {
      this.app.emit('problem', (error as Error).message);
    } finally {
      this.busy = false;
    }
  }

  /** Lets go of rows far from where the list is read. */
  private trim(rows: number, atStart: boolean): void {
    if (rows <= 0) return;
    const { list } = this;
    const height = list.scrollHeight;
    for (let i = 0; i < rows; i++) (atStart ? list.firstChild : list.lastChild)?.remove();
    if (atStart) {
      this.rows.splice(0, rows);
      list.scrollTop -= height - list.scrollHeight;
      this.atStart = false;
    } else {
      this.rows.length -= rows;
      this.atEnd = false;
    }
  }
}

/** A line of a list of events. */
export function eventLine(app: App, row: EventRow, onClick: () => void): HTMLElement {
  const task = app.tasks.get(row.task);
  const category = CATEGORIES[categoryOf(app.categories, row.code)]!;
  const failed = (row.code & FAILED) !== 0;
  return h(
    'div',
    {
      class: `event-line${failed ? ' failed' : ''}`,
      role: 'option',
      aria: { selected: 'false' },
      onClick,
    },
    h('span', { class: 'time' }, moment(row.time)),
    h(
      'span',
      { class: 'who', title: `task ${row.task}, process ${task?.pid}, thread ${task?.tid}` },
      h('span', {}, task?.name ?? ''),
      h('span', {}, String(task?.tid ?? row.task)),
    ),
    h('span', { class: 'took' }, row.duration > 0 ? span(row.duration) : ''),
    h('i', { class: `dot c-${category.id}`, title: category.name }),
    h('span', { class: 'text' }, row.text),
  );
}
