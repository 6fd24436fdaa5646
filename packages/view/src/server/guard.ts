/** Who may ask. The page shows what a program read and wrote: other pages in the same browser must not get at it. */
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  readonly status: number;
  readonly text: string;
}

/** Undefined if a request may pass. `token` is the first part of the path. */
export function refusal(
  request: Pick<IncomingMessage, 'method' | 'headers'>,
  path: string,
  port: number,
  token: string,
): Refusal | undefined {
  const { host, origin, 'sec-fetch-site': site } = request.headers;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  // A name that an attacker's DNS points here would make this server part of the attacker's site.
  if (host === undefined || !hosts.includes(host)) {
    return { status: 403, text: 'ask for 127.0.0.1' };
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return { status: 403, text: 'this page is for itself alone' };
  }
  const navigation = request.headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigation) {
    return { status: 403, text: 'this page is for itself alone' };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, text: 'only GET' };
  }
  if (!path.startsWith(`/${token}/`)) {
    return { status: 404, text: 'use the whole address that scribe view printed' };
  }
  return undefined;
}

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};
