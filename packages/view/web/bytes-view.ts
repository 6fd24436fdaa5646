/** Bytes as text or in hexadecimal. */
import type { Bytes } from '../src/model/source.js';
import { h } from './dom.js';
import { bytes as size } from './format.js';

const ROW_BYTES = 16;
/** More bytes than this are a page too long to lay out. */
const MAX_HEX_BYTES = 16 * 1024;
const TEXTUAL = 0.85;

export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** True if most of the bytes are text. */
export function looksTextual(bytes: Uint8Array): boolean {
  let plain = 0;
  for (const byte of bytes) {
    if ((byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13 || byte >= 0xc2) {
      plain++;
    }
  }
  return bytes.length === 0 || plain / bytes.length >= TEXTUAL;
}

/** UTF-8, with what cannot be seen shown as what it is. */
export function asText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes).replace(/\r\n/g, '\n');
  return text.replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b-\u001f\u007f]/g,
    (letter) => String.fromCharCode(letter === '\x7f' ? 0x2421 : 0x2400 + letter.charCodeAt(0)),
  );
}

/** `00000010  48 54 54 50 …  HTTP/1.1` */
export function asHex(bytes: Uint8Array): string {
  const lines: string[] = [];
  const end = Math.min(bytes.length, MAX_HEX_BYTES);
  for (let at = 0; at < end; at += ROW_BYTES) {
    const row = bytes.subarray(at, Math.min(at + ROW_BYTES, end));
    let hex = '';
    let text = '';
    for (let i = 0; i < ROW_BYTES; i++) {
      const byte = row[i];
      hex += byte === undefined ? '   ' : `${byte.toString(16).padStart(2, '0')} `;
      if (i === 7) hex += ' ';
      if (byte !== undefined) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
    }
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${text}`);
  }
  return lines.join('\n');
}

export type Form = 'auto' | 'text' | 'hex';

/** What the log holds of some bytes, and a line that says how much that is. */
export function bytesView(data: Bytes, form: Form): HTMLElement {
  const bytes = decodeBase64(data.base64);
  const hex = form === 'hex' || (form === 'auto' && !looksTextual(bytes));
  const shown = hex ? Math.min(bytes.length, MAX_HEX_BYTES) : bytes.length;
  const note =
    bytes.length === 0
      ? `${size(data.size)}, of which the log holds none`
      : shown < data.size
        ? `the first ${size(shown)} of ${size(data.size)}`
        : '';
  return h(
    'div',
    { class: 'bytes' },
    bytes.length === 0
      ? undefined
      : h('pre', { class: hex ? 'hex' : 'text' }, hex ? asHex(bytes) : asText(bytes)),
    note === '' ? undefined : h('div', { class: 'note' }, note),
  );
}
