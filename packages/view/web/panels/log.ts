/** What the log says of the recording as a whole. */
import type { App } from '../app.js';
import { emptyState, h } from '../dom.js';
import { bytes, count, ending, moment, span } from '../format.js';

export class LogPanel {
  readonly element: HTMLElement;

  constructor(private readonly app: App) {
    const { facts } = app;
    const started = new Date(facts.startedAt * 1000);
    const rows: [string, string][] = [
      ['Command', facts.command.join(' ')],
      ['Directory', facts.cwd],
      ['Recorded', started.toLocaleString()],
      ['Machine', facts.machine],
      ['Duration', span(facts.duration)],
      ['Verbosity', facts.verbosity],
      ['File', `${facts.name}, ${bytes(facts.bytes)}`],
      ['Events', `${count(facts.events)}, ${count(facts.failed)} failed`],
      ['Frames', count(facts.frames)],
      ['Tasks', count(facts.tasks.length)],
    ];
    const root = facts.tasks[0];
    if (root?.status !== undefined) rows.push(['End', ending(root.status)]);
    this.element = h(
      'div',
      { class: 'panel-columns' },
      h('section', {}, h('h2', {}, 'Recording'), list(rows)),
      h('section', {}, h('h2', {}, 'Bookmarks'), ...this.bookmarks()),
      h('section', {}, h('h2', {}, 'Notes'), ...this.notes()),
    );
  }

  show(): void {
    // It never changes.
  }

  hide(): void {
    // As above.
  }

  private bookmarks(): HTMLElement[] {
    const { app } = this;
    const { bookmarks } = app.facts;
    if (bookmarks.length === 0) {
      return [emptyState('None', 'SIGUSR2 to record sets one, or record --auto-bookmark.')];
    }
    return bookmarks.map(({ id, name, time }) =>
      h(
        'button',
        {
          class: 'line',
          onClick: () => app.show(time - (app.to - app.from) / 2, time + (app.to - app.from) / 2),
        },
        h('span', { class: 'time' }, moment(time)),
        h('span', {}, name === '' ? `bookmark ${id}` : `${id}: ${name}`),
      ),
    );
  }

  private notes(): HTMLElement[] {
    const { notes, notesLeftOut } = this.app.facts;
    if (notes.length === 0) return [emptyState('None', 'The recorder had nothing to remark.')];
    const lines = notes.map(({ time, text }) =>
      h('div', { class: 'line' }, h('span', { class: 'time' }, moment(time)), h('span', {}, text)),
    );
    if (notesLeftOut > 0)
      lines.push(h('div', { class: 'note' }, `and ${count(notesLeftOut)} more`));
    return lines;
  }
}

function list(rows: readonly (readonly [string, string])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );
}
