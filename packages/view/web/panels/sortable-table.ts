/** A table whose columns sort it. */
import { h } from '../dom.js';

export interface TableColumn<Row> {
  readonly name: string;
  readonly text: (row: Row) => string | HTMLElement;
  /** What it sorts by. */
  readonly value: (row: Row) => number | string;
  readonly kind?: 'number' | 'text';
}

export class SortableTable<Row> {
  readonly element = h('div', { class: 'table-scroll' });
  private rows: readonly Row[] = [];
  private ascending = false;

  constructor(
    private readonly columns: readonly TableColumn<Row>[],
    private sortedBy: number,
    private readonly open: (row: Row) => void,
    private readonly label: string,
  ) {}

  show(rows: readonly Row[]): void {
    this.rows = rows;
    this.draw();
  }

  private draw(): void {
    const { columns, sortedBy, ascending } = this;
    const { value } = columns[sortedBy]!;
    const sign = ascending ? 1 : -1;
    const sorted = [...this.rows].sort((a, b) => {
      const x = value(a);
      const y = value(b);
      return (typeof x === 'string' ? x.localeCompare(String(y)) : x - Number(y)) * sign;
    });
    const head = columns.map((column, i) => {
      const sort = i === sortedBy ? (ascending ? 'ascending' : 'descending') : 'none';
      const arrow = i === sortedBy ? (ascending ? ' ▴' : ' ▾') : '';
      const button = h('button', { onClick: () => this.sort(i) }, column.name + arrow);
      return h('th', { class: column.kind ?? 'number', aria: { sort } }, button);
    });
    const body = sorted.map((row) => {
      const line = h(
        'tr',
        { tabIndex: 0, onClick: () => this.open(row) },
        ...columns.map((column) => h('td', { class: column.kind ?? 'number' }, column.text(row))),
      );
      line.addEventListener('keydown', (event) => {
        if (event.key === 'Enter') this.open(row);
      });
      return line;
    });
    const table = h('table', { aria: { label: this.label } });
    table.append(h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...body));
    this.element.replaceChildren(table);
  }

  private sort(column: number): void {
    this.ascending =
      column === this.sortedBy ? !this.ascending : this.columns[column]!.kind === 'text';
    this.sortedBy = column;
    this.draw();
  }
}
