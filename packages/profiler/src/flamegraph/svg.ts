/** A flame graph as one SVG that needs nothing else: a browser zooms and searches in it, a picture viewer shows it. */
import { SCRIPT, STYLE } from './assets.js';
import type { FlameNode } from './tree.js';

/** Words of a flame graph. */
export interface FlamegraphOptions {
  readonly title: string;
  /** Puts a weight into words: '12 calls', '3.5 ms'. */
  readonly weight: (value: number) => string;
}

/** Pixels. */
const WIDTH = 1200;
const ROW = 18;
const HEAD = 56;
const FOOT = 8;
const CHAR = 7.3;
const PADDING = 3;
/** Parts of the whole that are smaller are left out: no zoom makes them worth their bytes. */
const SMALLEST = 1 / 20_000;
const HUES = 12;

/** Throws RangeError if there is nothing to show: no stack, or no weight. */
export function renderFlamegraph(root: FlameNode, options: FlamegraphOptions): string {
  if (!(root.total > 0)) throw new RangeError('there is nothing to draw');
  const depth = depthOf(root, root.total * SMALLEST);
  const height = HEAD + depth * ROW + FOOT;
  const parts: string[] = [];
  draw(root, 0, depth - 1, root.total, options.weight, parts);
  const title = escape(options.title);
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
<style>${STYLE}</style>
<rect class="page" width="100%" height="100%"/>
<text class="title" x="8" y="20">${title}</text>
<text class="help" x="8" y="38">Click to zoom, Escape to zoom out, / to search</text>
<text class="found" x="${WIDTH - 8}" y="20"></text>
<text class="here" x="${WIDTH - 8}" y="38"></text>
<g class="flames">
${parts.join('\n')}
</g>
<script>//<![CDATA[
${SCRIPT}
//]]></script>
</svg>
`;
}

function depthOf({ children }: FlameNode, smallest: number): number {
  let depth = 0;
  for (const child of children.values())
    if (child.total >= smallest) depth = Math.max(depth, depthOf(child, smallest));
  return depth + 1;
}

function draw(
  node: FlameNode,
  from: number,
  row: number,
  whole: number,
  weight: FlamegraphOptions['weight'],
  parts: string[],
): void {
  const x = from / whole;
  const width = node.total / whole;
  const y = HEAD + row * ROW;
  const name = escape(node.name);
  const share = ((100 * node.total) / whole).toFixed(2);
  parts.push(
    `<g tabindex="0" data-x="${digits(x)}" data-w="${digits(width)}">` +
      `<title>${name}: ${escape(weight(node.total))}, ${share} %</title>` +
      `<rect class="h${hueOf(node.name)}" x="${pixels(x)}" y="${y}" width="${pixels(width)}" height="${ROW - 1}" rx="2"/>` +
      `<text x="${pixels(x + PADDING / WIDTH)}" y="${y + 13}">${escape(shorten(node.name, width))}</text></g>`,
  );
  let next = from;
  // By name, so that two graphs of similar runs look alike.
  const children = [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const child of children) {
    if (child.total >= whole * SMALLEST) draw(child, next, row - 1, whole, weight, parts);
    next += child.total;
  }
}

function digits(value: number): string {
  return value.toFixed(6);
}

function pixels(part: number): string {
  return (part * WIDTH).toFixed(2);
}

/** The part of a name that has room; '' if that says nothing. */
function shorten(name: string, width: number): string {
  const room = Math.floor((width * WIDTH - 2 * PADDING) / CHAR);
  if (name.length <= room) return name;
  return room < 3 ? '' : `${name.slice(0, room - 1)}…`;
}

/** One of a dozen colours, always the same for a name. */
function hueOf(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) >>> 0;
  return hash % HUES;
}

/** XML allows no control characters, however they are written. */
function escape(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u001f\ufffe\uffff]/g, '?')
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/>/g, '&gt;')
      .replace(/"/g, '&quot;')
  );
}
