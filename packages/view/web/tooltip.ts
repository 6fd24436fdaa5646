import { CATEGORIES } from '../src/model/categories.js';
import { BLOCKED, eventKind, FAILED, syscallNumber, UNFINISHED } from '../src/model/event-code.js';
import type { LogFacts } from '../src/model/facts.js';
import type { App } from './app.js';
import { byId, h } from './dom.js';
import { bytes, count, counted, moment, span } from './format.js';
import type { Hit } from './hit-test.js';

const GAP = 14;

/** What an event's code is called. */
export function codeName(facts: LogFacts, code: number): string {
  const nr = syscallNumber(code);
  if (nr >= 0) return facts.calls[nr] || `syscall ${nr}`;
  return KIND_NAMES[eventKind(code) ?? ''] ?? eventKind(code) ?? 'event';
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  'task-start': 'task starts',
  image: 'program starts',
  trap: 'trapped instruction',
  'kernel-write': 'kernel wrote memory',
  exit: 'task ends',
  state: 'state hash',
  merge: 'domains merge',
  merged: 'domain merged',
};

export class Tooltip {
  private readonly element = byId('tooltip');

  show(hit: Hit, app: App, x: number, y: number): void {
    const { element } = this;
    element.replaceChildren(...(hit.count === 1 ? single(hit, app) : sum(hit)));
    element.hidden = false;
    const { width, height } = element.getBoundingClientRect();
    const left = x + GAP + width > window.innerWidth ? x - GAP - width : x + GAP;
    const top = y + GAP + height > window.innerHeight ? y - GAP - height : y + GAP;
    element.style.left = `${Math.max(4, left)}px`;
    element.style.top = `${Math.max(4, top)}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}

function single(hit: Hit, app: App): HTMLElement[] {
  const { code } = hit;
  const lines = [line('at', moment(hit.end))];
  if (hit.end > hit.start) lines.push(line('took', span(hit.end - hit.start)));
  if (hit.waited > 0) lines.push(line('waited for its turn', span(hit.waited)));
  if (hit.bytesIn > 0) lines.push(line('read', bytes(hit.bytesIn)));
  if (hit.bytesOut > 0) lines.push(line('wrote', bytes(hit.bytesOut)));
  const remark =
    (code & UNFINISHED) !== 0
      ? 'never came back'
      : (code & FAILED) !== 0
        ? 'failed'
        : (code & BLOCKED) !== 0
          ? 'others ran meanwhile'
          : '';
  return [
    h(
      'div',
      { class: 'tip-title' },
      h('strong', {}, codeName(app.facts, code)),
      remark === ''
        ? undefined
        : h('span', { class: (code & FAILED) !== 0 ? 'bad' : 'soft' }, remark),
    ),
    ...lines,
  ];
}

function sum(hit: Hit): HTMLElement[] {
  const kinds = CATEGORIES.map(({ id, name }, i) => ({ id, name, events: hit.categories[i]! }))
    .filter(({ events }) => events > 0)
    .sort((a, b) => b.events - a.events);
  return [
    h('div', { class: 'tip-title' }, h('strong', {}, counted(hit.count, 'event'))),
    line('in', span(hit.end - hit.start)),
    line('in calls', span(hit.calls)),
    ...(hit.waited > 0 ? [line('waiting for its turn', span(hit.waited))] : []),
    ...(hit.failed > 0 ? [line('failed', count(hit.failed))] : []),
    ...(hit.bytesIn > 0 ? [line('read', bytes(hit.bytesIn))] : []),
    ...(hit.bytesOut > 0 ? [line('wrote', bytes(hit.bytesOut))] : []),
    h('hr'),
    ...kinds.map(({ id, name, events }) =>
      h(
        'div',
        { class: 'tip-line' },
        h('span', {}, h('i', { class: `dot c-${id}` }), name),
        h('span', {}, count(events)),
      ),
    ),
  ];
}

function line(name: string, value: string): HTMLElement {
  return h('div', { class: 'tip-line' }, h('span', {}, name), h('span', {}, value));
}
