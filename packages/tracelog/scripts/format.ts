/**
 * Writes the tables of FORMAT.md from the schema: `npx tsx packages/tracelog/scripts/format.ts`. A test compares them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FIRST_OPTIONAL_CODE, FRAME_TABLE, FRAME_TYPES } from '../src/frame-table.js';
import { ALL_KINDS } from '../src/kinds.js';

const file = fileURLToPath(new URL('../FORMAT.md', import.meta.url));

function kindTable(): string {
  const rows = ALL_KINDS.map(({ name, doc }) => `| \`${name}\` | ${doc} |`);
  rows.push('| `later enum` | As `enum`, or nothing where the frame ends, which is 0. |');
  rows.push('| `enum` | One byte, the index of the value in the list that the field gives. |');
  return ['| Kind | Encoding |', '|---|---|', ...rows].join('\n');
}

function frameSections(): string {
  return FRAME_TYPES.map((type) => {
    const { code, doc, fields } = FRAME_TABLE[type];
    const skipped = code >= FIRST_OPTIONAL_CODE ? ', optional' : '';
    const lines = [`#### ${code} \`${type}\`${skipped}`, '', doc];
    const entries = Object.entries(fields) as [
      string,
      { kind: { name: string; doc: string }; doc: string },
    ][];
    if (entries.length > 0) lines.push('', '| Field | Kind | Meaning |', '|---|---|---|');
    for (const [name, { kind, doc: meaning }] of entries) {
      const values = kind.name.endsWith('enum') ? `: ${kind.doc}` : '';
      lines.push(`| ${name} | \`${kind.name}\` | ${meaning}${values} |`);
    }
    return lines.join('\n');
  }).join('\n\n');
}

/** FORMAT.md with its tables as the schema has them. */
export function updated(text: string): string {
  let result = text;
  for (const [name, content] of [
    ['kinds', kindTable()],
    ['frames', frameSections()],
  ] as const) {
    const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
    const [from, to] = [result.indexOf(begin), result.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`FORMAT.md has no place for the ${name}`);
    result = `${result.slice(0, from + begin.length)}\n${content}\n${result.slice(to)}`;
  }
  return result;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(file, updated(readFileSync(file, 'utf8')));
}
