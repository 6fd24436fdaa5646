/** All about the selected event. */
import { FAILED } from '../../src/model/event-code.js';
import type { EventDetail } from '../../src/model/source.js';
import type { App, Selection } from '../app.js';
import { bytesView, type Form } from '../bytes-view.js';
import { emptyState, h } from '../dom.js';
import { bytes as size, moment, span } from '../format.js';
import { codeName } from '../tooltip.js';

export class DetailPanel {
  readonly element = h('section', { class: 'detail', aria: { label: 'Selected event' } });
  private request = 0;
  private form: Form = 'auto';
  private shown: EventDetail | undefined;

  constructor(
    private readonly app: App,
    private readonly openFile: (file: number) => void,
  ) {
    app.on('select', (selection) => void this.show(selection));
    void this.show(undefined);
  }

  private async show(selection: Selection | undefined): Promise<void> {
    const request = ++this.request;
    if (selection === undefined) {
      this.element.replaceChildren(
        emptyState('Nothing selected', 'Click an event in the timeline, or step with . and ,'),
      );
      return;
    }
    try {
      const detail = await this.app.source.event(selection.task, selection.index);
      if (request !== this.request) return;
      this.shown = detail;
      this.draw();
    } catch (error) {
      if (request === this.request) {
        this.element.replaceChildren(emptyState('Not to be had', (error as Error).message));
      }
    }
  }

  private draw(): void {
    const { app, shown: detail } = this;
    if (detail === undefined) {
      this.element.replaceChildren(
        emptyState('Left out', `This event is not in this file. ${app.source.leftOut}`),
      );
      return;
    }
    const task = app.tasks.get(detail.task);
    const facts: [string, string | HTMLElement][] = [
      ['Task', `${task?.name ?? ''} · process ${task?.pid ?? '?'} · thread ${task?.tid ?? '?'}`],
      ['At', `${moment(detail.time)} s`],
    ];
    if (detail.duration > 0) {
      facts.push([
        'Took',
        `${span(detail.duration)}, from ${moment(detail.time - detail.duration)}`,
      ]);
    }
    if (detail.waited > 0) facts.push(['Waited', `${span(detail.waited)} for its turn, before it`]);
    if (detail.result !== '') facts.push(['Result', detail.result]);
    const file = detail.fileName;
    if (file !== '') {
      facts.push([
        'File',
        h('button', { class: 'link', onClick: () => this.openFile(detail.file) }, file),
      ]);
    }
    facts.push(['Stream', `${detail.stream}, event ${detail.index} of task ${detail.task}`]);
    const failed = (detail.code & FAILED) !== 0;
    this.element.replaceChildren(
      h('h2', { class: failed ? 'bad' : '' }, codeName(app.facts, detail.code)),
      h('pre', { class: 'call' }, detail.lines[0] ?? ''),
      table(facts),
      ...(detail.args.length === 0
        ? []
        : [h('h3', {}, 'Arguments'), table(detail.args.map(({ name, value }) => [name, value]))]),
      ...this.data('Sent', detail.sent),
      ...this.data('Received', detail.received),
      ...(detail.lines.length < 2
        ? []
        : [h('h3', {}, 'Details'), h('pre', { class: 'lines' }, detail.lines.slice(1).join('\n'))]),
    );
    this.element.scrollTop = 0;
  }

  private data(title: string, data: EventDetail['sent']): HTMLElement[] {
    if (data === undefined) return [];
    const forms = (['auto', 'text', 'hex'] as const).map((form) =>
      h(
        'button',
        {
          class: 'mini',
          aria: { pressed: String(form === this.form) },
          onClick: () => {
            this.form = form;
            this.draw();
          },
        },
        form,
      ),
    );
    return [
      h(
        'h3',
        {},
        `${title}, ${size(data.size)}`,
        h('span', { class: 'forms', role: 'group', aria: { label: 'Show bytes as' } }, ...forms),
      ),
      bytesView(data, this.form),
    ];
  }
}

function table(rows: readonly (readonly [string, string | HTMLElement])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );
}
