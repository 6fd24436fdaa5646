/** Starts the page. */
import { CATEGORIES } from '../src/model/categories.js';
import { EMBEDDED_ID, type EmbeddedLog } from '../src/model/embedded.js';
import type { Source } from '../src/model/source.js';
import { App } from './app.js';
import { byId, h } from './dom.js';
import { count, counted, moment, span } from './format.js';
import { EmbeddedSource } from './embedded-source.js';
import { HttpSource } from './http-source.js';
import { fillHelp, listenToKeys, timelineKeys, type Key } from './keys.js';
import { Overview } from './overview.js';
import { DetailPanel } from './panels/detail.js';
import { EventsPanel } from './panels/events.js';
import { FilesPanel } from './panels/files.js';
import { LogPanel } from './panels/log.js';
import { SearchPanel } from './panels/search.js';
import { SummaryPanel } from './panels/summary.js';
import { Splitter } from './splitter.js';
import { Tabs } from './tabs.js';
import { Timeline } from './timeline.js';
import { codeName } from './tooltip.js';

const PROBLEM_MS = 8000;

export async function start(source: Source): Promise<void> {
  const loading = byId('loading');
  const bar = byId('loading-bar');
  let facts;
  try {
    facts = await source.facts((done) => {
      const percent = Math.floor(done * 100);
      bar.style.width = `${percent}%`;
      bar.parentElement!.setAttribute('aria-valuenow', String(percent));
    });
  } catch (error) {
    loading.replaceChildren(
      h('strong', {}, 'The log cannot be shown'),
      h('p', {}, (error as Error).message),
    );
    return;
  }
  const app = new App(source, facts);
  showHead(app);
  loading.remove();
  byId('app').hidden = false;
  if (facts.events === 0) {
    byId('banner').append(h('p', {}, 'There is no event in this log.'));
  }

  const search = new SearchPanel(app);
  const files = new FilesPanel(app);
  const tabs = new Tabs([
    { id: 'events', name: 'Events', panel: new EventsPanel(app) },
    { id: 'summary', name: 'Summary', panel: new SummaryPanel(app) },
    { id: 'files', name: 'Files & data', panel: files },
    { id: 'search', name: 'Search', panel: search },
    { id: 'log', name: 'Recording', panel: new LogPanel(app) },
  ]);
  const detail = new DetailPanel(app, (file) => {
    tabs.openNamed('files');
    void files.open(file);
  });
  byId('detail-place').append(detail.element);
  new Overview(app);
  new Timeline(app);
  new Splitter(byId('splitter'), byId('bottom'));

  const field = byId<HTMLInputElement>('search');
  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    tabs.openNamed('search');
    void search.search(field.value).then(() => undefined);
    field.blur();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') field.blur();
  });

  const help = byId<HTMLDialogElement>('help');
  const keys: Key[] = [
    ...timelineKeys(app),
    { keys: ['/'], shown: '/', text: 'search', run: () => field.select() },
    { keys: ['n'], shown: 'n', text: 'next hit', run: () => search.step(1) },
    { keys: ['N'], shown: 'N', text: 'hit before', run: () => search.step(-1) },
    ...[1, 2, 3, 4, 5].map((number) => ({
      keys: [String(number)],
      shown: String(number),
      text: ['events', 'summary', 'files & data', 'search hits', 'recording'][number - 1]!,
      run: () => tabs.open(number - 1),
    })),
    {
      keys: ['i'],
      shown: 'i',
      text: 'only tasks alive in view',
      run: () => byId('alive').click(),
    },
    {
      keys: ['Escape'],
      shown: 'Esc',
      text: 'select nothing',
      run: () => app.select(undefined),
    },
    { keys: ['?'], shown: '?', text: 'this help', run: () => help.showModal() },
  ];
  listenToKeys(keys);
  fillHelp(keys);
  byId('help-button').addEventListener('click', () => help.showModal());
  byId('help-close').addEventListener('click', () => help.close());
  byId('fit').addEventListener('click', () => app.fit());
  byId('zoom-in').addEventListener('click', () => app.zoom(0.5));
  byId('zoom-out').addEventListener('click', () => app.zoom(2));

  const alive = byId<HTMLInputElement>('alive');
  alive.addEventListener('change', () => app.showAliveOnly(alive.checked));
  announce(app);
  byId('lanes').focus({ preventScroll: true });
  document.documentElement.dataset.ready = 'true';
}

function showHead(app: App): void {
  const { facts } = app;
  const command = facts.command.join(' ');
  document.title = `${command.slice(0, 60)} · scribe view`;
  const title = byId('command');
  title.textContent = command;
  title.title = command;
  const parts = [
    counted(facts.events, 'event'),
    counted(facts.tasks.length, 'task'),
    span(facts.duration),
  ];
  byId('facts').textContent = parts.join(' · ');
  const legend = CATEGORIES.map(({ id, name, hint }) =>
    h('span', { title: hint }, h('i', { class: `dot c-${id}` }), name),
  );
  byId('legend').replaceChildren(
    ...legend,
    h(
      'span',
      { title: 'it gave its turn away in the call, and others could run' },
      h('i', { class: 'dot asleep' }),
      'Asleep in a call',
    ),
    h(
      'span',
      { title: 'the program’s own code runs' },
      h('i', { class: 'stroke running' }),
      'Running',
    ),
    h(
      'span',
      { title: 'it could run, but another task of its domain has the turn' },
      h('i', { class: 'stroke waiting' }),
      'Waits for its turn',
    ),
    h('span', { title: 'the call failed' }, h('i', { class: 'stroke failed' }), 'Failed'),
  );
  const problems = [
    facts.damaged === '' ? '' : `Damaged: ${facts.damaged}. What came before is shown.`,
    facts.truncated === '' || facts.damaged !== ''
      ? ''
      : `Truncated: ${facts.truncated}. What was written is shown.`,
    app.source.leftOut,
  ];
  byId('banner').replaceChildren(
    ...problems.filter((text) => text !== '').map((text) => h('p', {}, text)),
  );
}

/** Tells those who cannot see the canvas what is in view and what is selected, and everybody of problems. */
function announce(app: App): void {
  const status = byId('status');
  app.on('select', (selection) => {
    if (selection === undefined) return;
    const task = app.tasks.get(selection.task);
    void app.source.event(selection.task, selection.index).then(
      (event) => {
        if (event === undefined || app.selection !== selection) return;
        const name = codeName(app.facts, event.code);
        status.textContent = `${task?.name} ${task?.tid}: ${name} at ${moment(event.time)} seconds`;
      },
      () => undefined,
    );
  });
  app.on('row', () => {
    const row = app.rows[app.currentRow];
    if (row !== undefined) {
      status.textContent = `${row.task.name}, process ${row.task.pid}, thread ${row.task.tid}, ${count(row.task.events)} events`;
    }
  });
  const problem = byId('problem');
  let timer: ReturnType<typeof setTimeout> | undefined;
  app.on('problem', (text) => {
    problem.textContent = text;
    problem.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(() => (problem.hidden = true), PROBLEM_MS);
  });
}

const embedded = document.getElementById(EMBEDDED_ID);
void start(
  embedded === null
    ? new HttpSource()
    : new EmbeddedSource(JSON.parse(embedded.textContent ?? '') as EmbeddedLog),
);
