/** The keyboard: what there is to press is told in one place, which the help shows too. */
import type { App } from './app.js';
import { byId, h } from './dom.js';

export interface Key {
  /** As `KeyboardEvent.key` has them. */
  readonly keys: readonly string[];
  readonly shown: string;
  readonly text: string;
  readonly run: () => void;
}

const PAN = 0.2;
const ZOOM = 0.6;

/** Keys that work on the timeline alone. */
export function timelineKeys(app: App): Key[] {
  return [
    { keys: ['ArrowLeft', 'a'], shown: '← a', text: 'earlier', run: () => app.pan(-PAN) },
    { keys: ['ArrowRight', 'd'], shown: '→ d', text: 'later', run: () => app.pan(PAN) },
    {
      keys: ['+', '=', 'w'],
      shown: '+ w',
      text: 'zoom in',
      run: () => app.zoom(ZOOM, anchorOf(app)),
    },
    {
      keys: ['-', 's'],
      shown: '− s',
      text: 'zoom out',
      run: () => app.zoom(1 / ZOOM, anchorOf(app)),
    },
    { keys: ['0'], shown: '0', text: 'the whole recording', run: () => app.fit() },
    {
      keys: ['ArrowUp', 'k'],
      shown: '↑ k',
      text: 'task above',
      run: () => app.moveTo(app.currentRow - 1),
    },
    {
      keys: ['ArrowDown', 'j'],
      shown: '↓ j',
      text: 'task below',
      run: () => app.moveTo(app.currentRow + 1),
    },
    { keys: ['.'], shown: '.', text: 'next event of the task', run: () => step(app, 1) },
    { keys: [','], shown: ',', text: 'event before', run: () => step(app, -1) },
    {
      keys: ['Enter', 'f'],
      shown: 'Enter f',
      text: 'zoom to the selected event',
      run: () => zoomToSelection(app),
    },
    {
      keys: [' '],
      shown: 'Space',
      text: 'fold or unfold what a task started',
      run: () => {
        const row = app.rows[app.currentRow];
        if (row !== undefined && row.below > 0) app.toggle(row.task.uid);
      },
    },
    { keys: ['b'], shown: 'b', text: 'next bookmark', run: () => stepBookmark(app, 1) },
    { keys: ['B'], shown: 'B', text: 'bookmark before', run: () => stepBookmark(app, -1) },
  ];
}

/** Listens on the whole page, but leaves what is typed into fields alone. */
export function listenToKeys(keys: readonly Key[]): void {
  const byKey = new Map(keys.flatMap((key) => key.keys.map((name) => [name, key] as const)));
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    if (target.matches('input:not([type=checkbox]), textarea, select')) return;
    // Buttons and lines have these to themselves.
    const activates = event.key === 'Enter' || event.key === ' ';
    if (activates && target.matches('button, tr, [role=option], input')) return;
    if (byId<HTMLDialogElement>('help').open) return;
    const key = byKey.get(event.key);
    if (key === undefined) return;
    event.preventDefault();
    key.run();
  });
}

export function fillHelp(keys: readonly Key[]): void {
  const rows = keys.flatMap(({ shown, text }) => [
    h('dt', {}, ...shown.split(' ').map((name) => h('kbd', {}, name))),
    h('dd', {}, text),
  ]);
  byId('help-keys').replaceChildren(...rows);
}

/** Zooming keeps the selected event in its place while it is in view. */
function anchorOf(app: App): number {
  const { selection, from, to } = app;
  if (selection === undefined || selection.time < from || selection.time > to) return 0.5;
  return (selection.time - from) / (to - from);
}

let stepped = Promise.resolve();
/** Steps wait for each other: a key pressed twice goes two events on, however slow the answers are. */
function step(app: App, by: 1 | -1): void {
  stepped = stepped.then(() => stepEvent(app, by));
}

async function stepEvent(app: App, by: 1 | -1): Promise<void> {
  const { selection, source } = app;
  const task = app.rows[app.currentRow]?.task.uid;
  if (task === undefined) return;
  try {
    if (selection?.task === task) {
      const event = await source.event(task, selection.index + by);
      if (event !== undefined) app.reveal(event);
      return;
    }
    const key = { time: selection?.time ?? Math.max(0, app.from), task: 0, index: -1 };
    const direction = by > 0 ? 'forward' : 'backward';
    const [event] = await source.list({ tasks: [task], key, direction, count: 1 });
    if (event !== undefined) app.reveal(event);
  } catch (error) {
    app.emit('problem', (error as Error).message);
  }
}

function zoomToSelection(app: App): void {
  const { selection } = app;
  if (selection === undefined) return;
  const room = Math.max(selection.duration * 0.5, 20_000);
  app.show(selection.time - selection.duration - room, selection.time + room);
}

function stepBookmark(app: App, by: 1 | -1): void {
  const middle = (app.from + app.to) / 2;
  const slack = (app.to - app.from) * 0.01;
  const { bookmarks } = app.facts;
  const next =
    by > 0
      ? bookmarks.find(({ time }) => time > middle + slack)
      : bookmarks.findLast(({ time }) => time < middle - slack);
  if (next === undefined) return;
  const half = (app.to - app.from) / 2;
  app.show(next.time - half, next.time + half);
}
