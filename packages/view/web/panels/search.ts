/** Hits of a search, as they are found. */
import type { EventRow } from '../../src/model/source.js';
import type { App } from '../app.js';
import { emptyState, h } from '../dom.js';
import { counted } from '../format.js';
import { eventLine } from './events.js';

const FIRST_LIMIT = 500;
const MORE = 4;

const HELP =
  'Names of calls, failed, ENOENT, SIGCHLD, >10ms, exec, exit, and any text: of paths, arguments or data. ' +
  'All words must match; of several calls, one. "quoted" is always text.';

export class SearchPanel {
  readonly element: HTMLElement;
  private readonly status = h('span', { class: 'hint', role: 'status' });
  private readonly list = h('div', {
    class: 'event-list',
    role: 'listbox',
    aria: { label: 'Hits' },
  });
  private abort: AbortController | undefined;
  private current = -1;

  constructor(private readonly app: App) {
    this.element = h(
      'div',
      { class: 'panel-column' },
      h(
        'div',
        { class: 'panel-bar' },
        this.status,
        h('span', { class: 'hint' }, 'n and N step through the hits'),
      ),
      this.list,
    );
    this.list.replaceChildren(emptyState('Search the recording', HELP));
  }

  show(): void {
    // What is shown stays as it is.
  }

  hide(): void {
    // As above.
  }

  async search(text: string, limit = FIRST_LIMIT): Promise<void> {
    const { app } = this;
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    this.current = -1;
    app.hits = [];
    app.emit('hits', undefined);
    this.list.replaceChildren();
    if (text.trim() === '') {
      this.status.textContent = '';
      this.list.replaceChildren(emptyState('Search the recording', HELP));
      return;
    }
    this.status.textContent = 'searching';
    const hits: EventRow[] = [];
    try {
      for await (const state of app.source.search({ text }, limit, abort.signal)) {
        if (abort.signal.aborted) return;
        const lines = state.hits.map((row) => eventLine(app, row, () => this.choose(row)));
        this.list.append(...lines);
        hits.push(...state.hits);
        app.hits = hits;
        app.emit('hits', undefined);
        const percent = Math.floor(state.done * 100);
        this.status.textContent = `${counted(hits.length, 'hit')}${state.done < 1 ? `, ${percent} % searched` : ''}`;
      }
    } catch (error) {
      if (abort.signal.aborted) return;
      this.status.textContent = '';
      this.list.replaceChildren(emptyState('Cannot search for this', (error as Error).message));
      return;
    }
    if (abort.signal.aborted) return;
    if (hits.length >= limit) {
      this.status.textContent = `the first ${counted(hits.length, 'hit')}`;
      this.list.append(
        h(
          'button',
          { class: 'more', onClick: () => void this.search(text, limit * MORE) },
          'Look for more',
        ),
      );
    } else if (hits.length === 0) {
      this.list.replaceChildren(emptyState('Nothing found', HELP));
    }
  }

  /** Goes to the hit after the current one, or before it: first by the list, then by what is in view. */
  step(by: 1 | -1): void {
    const { hits } = this.app;
    if (hits.length === 0) return;
    if (this.current < 0) {
      const time = this.app.selection?.time ?? this.app.from;
      const after = hits.findIndex((hit) => hit.time > time);
      this.current = by > 0 ? (after < 0 ? 0 : after) : (after < 0 ? hits.length : after) - 1;
    } else this.current += by;
    this.current = (this.current + hits.length) % hits.length;
    this.choose(hits[this.current]!);
  }

  private choose(row: EventRow): void {
    const { hits } = this.app;
    this.current = hits.indexOf(row);
    for (const old of this.list.querySelectorAll('.selected')) old.classList.remove('selected');
    const line = this.list.children[this.current];
    line?.classList.add('selected');
    line?.scrollIntoView({ block: 'nearest' });
    this.app.reveal({ task: row.task, index: row.index, time: row.time, duration: row.duration });
  }
}
