/** The files of the page, which the build has made. */
import { readFileSync } from 'node:fs';

const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
};

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const loaded = new Map<string, Buffer>();

/** Undefined if the page has no such file. */
export function asset(name: string): Asset | undefined {
  if (!Object.hasOwn(FILES, name)) return undefined;
  let body = loaded.get(name);
  if (body === undefined) {
    body = readFileSync(new URL(`../../dist/page/${name}`, import.meta.url));
    loaded.set(name, body);
  }
  return { type: FILES[name]!, body };
}
