/** Tables of aggregates as bytes, for the way from the server to the page. Little-endian, as all that run this are. */
import { AggregateTable } from './aggregate.js';
import { CATEGORY_COUNT } from './categories.js';

const WIDE = [
  'start',
  'end',
  'calls',
  'blocked',
  'waited',
  'before',
  'bytesIn',
  'bytesOut',
] as const;
const WORDS = ['count', 'failed', 'first'] as const;
const ALIGNMENT = 8;

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function tableBytes(rows: number): number {
  return ALIGNMENT + padded(rows * (WIDE.length * 8 + WORDS.length * 4 + CATEGORY_COUNT * 4 + 2));
}

export function encodeTables(tables: readonly AggregateTable[]): Uint8Array<ArrayBuffer> {
  let size = ALIGNMENT;
  for (const table of tables) size += tableBytes(table.length);
  const buffer = new ArrayBuffer(size);
  const bytes = new Uint8Array(buffer);
  new Uint32Array(buffer, 0, 1)[0] = tables.length;
  let at = ALIGNMENT;
  for (const table of tables) {
    new Uint32Array(buffer, at, 1)[0] = table.length;
    let column = at + ALIGNMENT;
    const raw = table.raw();
    for (const name of [...WIDE, ...WORDS, 'categories', 'code'] as const) {
      const { buffer: from, byteOffset, byteLength } = raw[name];
      bytes.set(new Uint8Array(from, byteOffset, byteLength), column);
      column += byteLength;
    }
    at += tableBytes(table.length);
  }
  return bytes;
}

export function decodeTables(buffer: ArrayBuffer): AggregateTable[] {
  const count = new Uint32Array(buffer, 0, 1)[0]!;
  const tables: AggregateTable[] = [];
  let at = ALIGNMENT;
  for (let i = 0; i < count; i++) {
    const rows = new Uint32Array(buffer, at, 1)[0]!;
    let column = at + ALIGNMENT;
    const wide = (): Float64Array => {
      const values = new Float64Array(buffer, column, rows);
      column += values.byteLength;
      return values;
    };
    const words = (length = rows): Uint32Array => {
      const values = new Uint32Array(buffer, column, length);
      column += values.byteLength;
      return values;
    };
    const table = new AggregateTable();
    table.adopt(rows, {
      start: wide(),
      end: wide(),
      calls: wide(),
      blocked: wide(),
      waited: wide(),
      before: wide(),
      bytesIn: wide(),
      bytesOut: wide(),
      count: words(),
      failed: words(),
      first: words(),
      categories: words(rows * CATEGORY_COUNT),
      code: new Uint16Array(buffer, column, rows),
    });
    tables.push(table);
    at += tableBytes(rows);
  }
  return tables;
}
