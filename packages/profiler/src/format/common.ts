/** What both forms share. */
import type { TaskUid } from '@scribe-ts/tracelog';

/** A task's number, two digits at least. */
export function taskNumber(uid: TaskUid): string {
  return uid < 10 && uid >= 0 ? `0${uid}` : String(uid);
}

/** A string of the log in quotes: what would break a line is escaped. */
export function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

/** A frame or a part of one that this version does not know: the reader let through what it should have refused. */
export function assertNever(value: never): never {
  throw new TypeError(`unknown kind of frame or part: ${JSON.stringify(value)}`);
}

/** Text for people, on one line and without what a terminal would obey: control characters become `\\xNN`. */
export function printable(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return escapeControls(text);
  }
  return text;
}

function escapeControls(text: string): string {
  let escaped = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    escaped += control ? `\\x${code.toString(16).padStart(2, '0')}` : text[i];
  }
  return escaped;
}
