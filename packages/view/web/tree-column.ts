/** The names beside the lanes: only those in view are elements. */
import type { App } from './app.js';
import { byId, h } from './dom.js';
import { count, counted, ending, moment } from './format.js';
import { ROW_HEIGHT } from './lane-painter.js';
import type { TaskRow } from './process-rows.js';

const INDENT = 14;
/** Deeper than this names would have no room. */
const MAX_DEPTH = 8;

export class TreeColumn {
  private readonly column = byId('tree');
  private drawn = '';

  constructor(private readonly app: App) {
    this.column.setAttribute('aria-rowcount', String(app.rows.length));
    app.on('rows', () => (this.drawn = ''));
    app.on('row', () => (this.drawn = ''));
  }

  draw(first: number, last: number): void {
    const { app } = this;
    const key = `${first} ${last}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const rows = app.rows.slice(first, last).map((row, i) => this.row(row, first + i));
    this.column.replaceChildren(...rows);
    const current = app.rows[app.currentRow]?.task.uid;
    byId('lanes').setAttribute('aria-activedescendant', `task-${current}`);
  }

  private row(row: TaskRow, number: number): HTMLElement {
    const { app } = this;
    const { task, depth, below, folded, thread } = row;
    const current = number === app.currentRow;
    const fold =
      below === 0
        ? h('span', { class: 'fold' })
        : h(
            'button',
            {
              class: 'fold',
              tabIndex: -1,
              title: folded ? `Show ${counted(below, 'task')}` : 'Fold',
              aria: { label: `${folded ? 'Unfold' : 'Fold'} ${task.name}` },
              onClick: (event) => {
                event.stopPropagation();
                app.toggle(task.uid);
              },
            },
            folded ? '▸' : '▾',
          );
    const element = h(
      'div',
      {
        class: `row${current ? ' current' : ''}${thread ? ' thread' : ''}`,
        id: `task-${task.uid}`,
        role: 'treeitem',
        title: describe(row),
        aria: {
          level: String(depth + 1),
          selected: String(current),
          ...(below > 0 ? { expanded: String(!folded) } : {}),
        },
        onClick: () => app.moveTo(number),
      },
      fold,
      h('span', { class: 'name' }, thread ? `thread ${task.tid}` : task.name || '(unnamed)'),
      folded && below > 0 ? h('span', { class: 'badge' }, `+${below}`) : undefined,
      h('span', { class: 'pid' }, thread ? '' : String(task.pid)),
      h('span', { class: `count${task.failed > 0 ? ' some-failed' : ''}` }, count(task.events)),
    );
    element.style.top = `${number * ROW_HEIGHT}px`;
    element.style.paddingLeft = `${6 + Math.min(depth, MAX_DEPTH) * INDENT}px`;
    return element;
  }
}

function describe({ task }: TaskRow): string {
  const command = task.execs.at(-1)?.argv.join(' ') ?? task.name;
  const short = command.length > 300 ? `${command.slice(0, 300)}…` : command;
  const end =
    task.died === undefined
      ? 'its end is not in the log'
      : task.detached === true
        ? `left the recording at ${moment(task.died)}`
        : `${ending(task.status ?? 0)} at ${moment(task.died)}`;
  return [
    short,
    `task ${task.uid}, process ${task.pid}, thread ${task.tid}`,
    `started at ${moment(task.born)} by task ${task.parent}, ${end}`,
    `${counted(task.events, 'event')}, ${count(task.failed)} failed`,
  ].join('\n');
}
