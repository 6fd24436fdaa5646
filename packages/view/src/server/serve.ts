/** The local page's server. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LogSource, type LogSourceOptions } from '../log/log-source.js';
import { answer, QuestionError } from './api.js';
import { asset } from './assets.js';
import { refusal, SECURITY_HEADERS } from './guard.js';

const TOKEN_BYTES = 18;

export interface ViewOptions extends LogSourceOptions {
  readonly log: string;
  /** Port on the loopback interface. Default: any that is free. */
  readonly port?: number;
}

export interface View {
  /** Address of the page, the secret included. */
  readonly url: string;
  /** Resolves when the log has been read; rejects if it cannot be. */
  readonly ready: Promise<void>;
  /** Ends the server and lets the log go. */
  close(): Promise<void>;
}

/**
 * Serves a page that shows a log, to this machine alone. Throws as openLog does, and the system's errors for the port and the
 * index's file.
 */
export async function view({ log, port = 0, ...options }: ViewOptions): Promise<View> {
  const source = new LogSource(log, options);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const server = createServer((request, response) => {
    const { port: own } = server.address() as AddressInfo;
    handle(source, request, response, own, token).catch((error: unknown) => {
      fail(response, error);
    });
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  } catch (error) {
    source.close();
    throw error;
  }
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/${token}/`,
    ready: source.index.then(() => undefined),
    async close() {
      source.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function handle(
  source: LogSource,
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  token: string,
): Promise<void> {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const refused = refusal(request, url.pathname, port, token);
  if (refused !== undefined) {
    sendText(response, refused.status, refused.text);
    return;
  }
  const path = url.pathname.slice(token.length + 2);
  if (path.startsWith('api/')) {
    if (await answer(source, path.slice('api/'.length), url.searchParams, response)) return;
  } else {
    const found = asset(path === '' ? 'index.html' : path);
    if (found !== undefined) {
      response.setHeader('Content-Type', found.type);
      response.end(found.body);
      return;
    }
  }
  sendText(response, 404, 'there is nothing here');
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = error instanceof QuestionError ? 400 : 500;
  sendText(response, status, error instanceof Error ? error.message : String(error));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${text}\n`);
}
