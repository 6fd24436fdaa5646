/** Counts and times of the calls in view. */
import { CATEGORIES, categoryOf } from '../../src/model/categories.js';
import type { SummaryRow } from '../../src/model/source.js';
import type { App } from '../app.js';
import { emptyState, h } from '../dom.js';
import { bytes, count, counted, span } from '../format.js';
import { codeName } from '../tooltip.js';
import { SortableTable } from './sortable-table.js';

const DELAY_MS = 250;

export class SummaryPanel {
  readonly element: HTMLElement;
  private readonly status = h('span', { class: 'hint' });
  private readonly table: SortableTable<SummaryRow>;
  private readonly body = h('div', { class: 'panel-body' });
  private visible = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | undefined;

  constructor(private readonly app: App) {
    this.table = new SortableTable<SummaryRow>(
      [
        {
          name: 'Call',
          kind: 'text',
          value: ({ code }) => codeName(app.facts, code),
          text: ({ code }) => {
            const { id, name } = CATEGORIES[categoryOf(app.categories, code)]!;
            return h(
              'span',
              {},
              h('i', { class: `dot c-${id}`, title: name }),
              codeName(app.facts, code),
            );
          },
        },
        { name: 'Events', value: (row) => row.count, text: (row) => count(row.count) },
        {
          name: 'Failed',
          value: (row) => row.failed,
          text: (row) => (row.failed === 0 ? '' : h('span', { class: 'bad' }, count(row.failed))),
        },
        { name: 'Time in calls', value: (row) => row.total, text: (row) => time(row.total) },
        {
          name: 'Mean',
          value: (row) => row.total / row.count,
          text: (row) => time(row.total / row.count),
        },
        { name: 'Longest', value: (row) => row.longest, text: (row) => time(row.longest) },
      ],
      1,
      (row) => void this.openLongest(row),
      'Calls in view',
    );
    this.element = h(
      'div',
      { class: 'panel-column' },
      h(
        'div',
        { class: 'panel-bar' },
        this.status,
        h('span', { class: 'hint' }, 'A line leads to the longest of its calls'),
      ),
      this.body,
    );
    app.on('view', () => this.later());
  }

  show(): void {
    this.visible = true;
    void this.update();
  }

  hide(): void {
    this.visible = false;
  }

  private later(): void {
    if (!this.visible) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.update(), DELAY_MS);
  }

  private async update(): Promise<void> {
    const { app } = this;
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    const { from, to } = app;
    try {
      const tasks = app.facts.tasks.map(({ uid }) => uid);
      const { rows, bytesIn, bytesOut } = await app.source.summary(
        { tasks, from, to },
        abort.signal,
      );
      const events = rows.reduce((sum, row) => sum + row.count, 0);
      this.status.textContent = `${counted(events, 'event')} of all tasks in ${span(to - from)}, ${bytes(bytesIn)} read, ${bytes(bytesOut)} written`;
      if (rows.length === 0) {
        this.body.replaceChildren(
          emptyState('Nothing in view', 'Zoom out, or press 0 to see all.'),
        );
        return;
      }
      this.table.show(rows);
      this.body.replaceChildren(this.table.element);
    } catch (error) {
      if (!abort.signal.aborted) this.app.emit('problem', (error as Error).message);
    }
  }

  private async openLongest({ task, index }: SummaryRow): Promise<void> {
    const event = await this.app.source.event(task, index);
    if (event !== undefined) this.app.reveal(event);
  }
}

function time(ns: number): string {
  return ns <= 0 ? '' : span(ns);
}
