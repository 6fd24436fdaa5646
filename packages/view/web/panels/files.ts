/** What was read from and written to each file, socket and pipe. */
import type { FileFacts } from '../../src/model/facts.js';
import { FIRST_KEY, type EventKey, type Transfer } from '../../src/model/source.js';
import type { App } from '../app.js';
import { bytesView, type Form } from '../bytes-view.js';
import { emptyState, h } from '../dom.js';
import { bytes, count, counted, moment } from '../format.js';

const PAGE = 100;
/** Files listed at once: a filter finds the others. */
const MOST_FILES = 500;

export class FilesPanel {
  readonly element: HTMLElement;
  private readonly filter = h('input', { type: 'search', aria: { label: 'Filter files' } });
  private readonly list = h('div', {
    class: 'file-list',
    role: 'listbox',
    aria: { label: 'Files' },
  });
  private readonly talk = h('div', { class: 'talk' });
  private files: readonly FileFacts[] | undefined;
  private chosen: FileFacts | undefined;
  private form: Form = 'auto';
  private transfers: Transfer[] = [];
  private request = 0;

  constructor(private readonly app: App) {
    this.filter.placeholder = 'Filter by name';
    this.filter.addEventListener('input', () => this.drawList());
    this.element = h(
      'div',
      { class: 'panel-split' },
      h(
        'div',
        { class: 'panel-column side' },
        h('div', { class: 'panel-bar' }, this.filter),
        this.list,
      ),
      this.talk,
    );
  }

  show(): void {
    void this.load();
  }

  hide(): void {
    // What is shown stays as it is.
  }

  async open(id: number): Promise<void> {
    await this.load();
    const file = this.files?.find((other) => other.id === id);
    if (file !== undefined) void this.choose(file);
  }

  private async load(): Promise<void> {
    if (this.files !== undefined) return;
    try {
      this.files = await this.app.source.files();
    } catch (error) {
      this.app.emit('problem', (error as Error).message);
      return;
    }
    this.drawList();
    this.talk.replaceChildren(
      this.files.length === 0
        ? emptyState(
            'No files in this log',
            'It was recorded without resources: record with -f sSrd or the default verbosity.',
          )
        : emptyState('Choose a file', 'Its reads and writes are shown here, in the order of time.'),
    );
  }

  private drawList(): void {
    const wanted = this.filter.value.toLowerCase();
    const all = (this.files ?? []).filter(({ name }) => name.toLowerCase().includes(wanted));
    const lines = all.slice(0, MOST_FILES).map((file) => {
      const chosen = file === this.chosen;
      const line = h(
        'div',
        {
          class: `file-line${chosen ? ' selected' : ''}`,
          role: 'option',
          tabIndex: 0,
          title: file.name,
          aria: { selected: String(chosen) },
          onClick: () => void this.choose(file),
        },
        h('span', { class: 'name' }, file.name || '(no name)'),
        h('span', { class: 'volume' }, volume(file)),
      );
      line.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' || event.key === ' ') void this.choose(file);
      });
      return line;
    });
    if (all.length > MOST_FILES) {
      lines.push(
        h('div', { class: 'note' }, `${count(all.length - MOST_FILES)} more: filter by name`),
      );
    } else if (all.length === 0 && wanted !== '') {
      lines.push(h('div', { class: 'note' }, 'No file has this in its name'));
    }
    this.list.replaceChildren(...lines);
  }

  private async choose(file: FileFacts): Promise<void> {
    this.chosen = file;
    this.transfers = [];
    this.drawList();
    this.talk.scrollTop = 0;
    await this.more(FIRST_KEY);
  }

  private async more(after: EventKey): Promise<void> {
    const request = ++this.request;
    const file = this.chosen!;
    try {
      const page = await this.app.source.transfers(file.id, after, PAGE);
      if (request !== this.request) return;
      this.transfers.push(...page);
      this.drawTalk(page.length === PAGE);
    } catch (error) {
      this.app.emit('problem', (error as Error).message);
    }
  }

  private drawTalk(more: boolean): void {
    const file = this.chosen!;
    const forms = (['auto', 'text', 'hex'] as const).map((form) =>
      h(
        'button',
        {
          class: 'mini',
          aria: { pressed: String(form === this.form) },
          onClick: () => {
            this.form = form;
            this.drawTalk(more);
          },
        },
        form,
      ),
    );
    const head = h(
      'div',
      { class: 'panel-bar' },
      h('strong', { class: 'file-name' }, file.name || '(no name)'),
      h(
        'span',
        { class: 'hint' },
        `${counted(file.events, 'event')}, ${volume(file) || 'no bytes'}`,
      ),
      h('span', { class: 'forms', role: 'group', aria: { label: 'Show bytes as' } }, ...forms),
    );
    const body =
      this.transfers.length === 0
        ? [
            emptyState(
              'No bytes went through it',
              `It was used by ${counted(file.events, 'event')}.`,
            ),
          ]
        : this.transfers.map((transfer) => this.transfer(transfer));
    if (more) {
      body.push(
        h(
          'button',
          { class: 'more', onClick: () => void this.more(this.transfers.at(-1)!) },
          'Show more',
        ),
      );
    }
    this.talk.replaceChildren(head, h('div', { class: 'talk-body' }, ...body));
  }

  private transfer(transfer: Transfer): HTMLElement {
    const { app } = this;
    const task = app.tasks.get(transfer.task);
    return h(
      'article',
      { class: `transfer ${transfer.out ? 'out' : 'in'}` },
      h(
        'button',
        {
          class: 'transfer-head',
          title: 'Show it in the timeline',
          onClick: () =>
            app.reveal({
              task: transfer.task,
              index: transfer.index,
              time: transfer.time,
              duration: 0,
            }),
        },
        h('span', { class: 'arrow' }, transfer.out ? '→' : '←'),
        h('span', { class: 'time' }, moment(transfer.time)),
        h('span', {}, `${task?.name ?? ''} ${task?.tid ?? ''} `),
        h('span', { class: 'soft' }, `${transfer.call}, ${bytes(transfer.bytes.size)}`),
      ),
      bytesView(transfer.bytes, this.form),
    );
  }
}

function volume({ bytesIn, bytesOut }: FileFacts): string {
  const parts: string[] = [];
  if (bytesIn > 0) parts.push(`← ${bytes(bytesIn)}`);
  if (bytesOut > 0) parts.push(`→ ${bytes(bytesOut)}`);
  return parts.join('  ');
}
