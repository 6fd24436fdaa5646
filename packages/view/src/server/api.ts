/** The page's questions as addresses, and the answers as bytes. */
import type { ServerResponse } from 'node:http';
import type { LogSource } from '../log/log-source.js';
import { SearchError } from '../model/search-query.js';
import { encodeTables } from '../model/lane-codec.js';
import type { EventKey } from '../model/source.js';

/** Most rows of one answer. */
const MAX_ROWS = 2000;
const MAX_HITS = 20_000;

/** A question with a parameter that makes no sense. */
export class QuestionError extends Error {
  readonly code = 'QUESTION';
}

class Parameters {
  constructor(private readonly values: URLSearchParams) {}

  text(name: string): string {
    return this.values.get(name) ?? '';
  }

  number(name: string): number {
    const text = this.values.get(name);
    const value = text === null || text === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) throw new QuestionError(`${name} is no number`);
    return value;
  }

  count(name: string, most: number): number {
    return Math.max(1, Math.min(most, Math.floor(this.number(name))));
  }

  /** Undefined if it is not given: all. */
  tasks(): number[] | undefined {
    const text = this.values.get('tasks');
    if (text === null) return undefined;
    return text === '' ? [] : text.split(',').map(Number);
  }

  key(): EventKey {
    return { time: this.number('time'), task: this.number('task'), index: this.number('index') };
  }
}

type Answer = (
  source: LogSource,
  parameters: Parameters,
  response: ServerResponse,
) => Promise<unknown>;

/** Answers that are JSON. */
const JSON_ANSWERS: Readonly<Record<string, Answer>> = {
  progress: (source) => Promise.resolve({ done: source.progress }),
  facts: (source) => source.facts(),
  files: (source) => source.files(),
  counters: (source, p) =>
    source.counters(p.number('from'), p.number('to'), p.count('steps', MAX_ROWS)),
  event: async (source, p) => (await source.event(p.number('task'), p.number('index'))) ?? null,
  list: (source, p) => {
    const tasks = p.tasks();
    return source.list({
      key: p.key(),
      direction: p.text('direction') === 'backward' ? 'backward' : 'forward',
      count: p.count('count', MAX_ROWS),
      ...(tasks === undefined ? {} : { tasks }),
    });
  },
  transfers: (source, p) => source.transfers(p.number('file'), p.key(), p.count('count', MAX_ROWS)),
  summary: (source, p) =>
    source.summary({ tasks: p.tasks() ?? [], from: p.number('from'), to: p.number('to') }),
};

/** Answers a question; false if there is no such one. Throws QuestionError and SearchError before anything is sent. */
export async function answer(
  source: LogSource,
  name: string,
  search: URLSearchParams,
  response: ServerResponse,
): Promise<boolean> {
  const parameters = new Parameters(search);
  if (Object.hasOwn(JSON_ANSWERS, name)) {
    const value = await JSON_ANSWERS[name]!(source, parameters, response);
    send(response, 'application/json', JSON.stringify(value));
    return true;
  }
  switch (name) {
    case 'lanes': {
      const tables = await source.lanes({
        tasks: parameters.tasks() ?? [],
        from: parameters.number('from'),
        to: parameters.number('to'),
        resolution: parameters.number('resolution'),
      });
      send(response, 'application/octet-stream', encodeTables(tables));
      return true;
    }
    case 'search':
      await sendHits(source, parameters, response);
      return true;
    default:
      return false;
  }
}

/** A line of JSON for each state, as they come; the last tells of an error if there is one. */
async function sendHits(
  source: LogSource,
  parameters: Parameters,
  response: ServerResponse,
): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  const tasks = parameters.tasks();
  const query = { text: parameters.text('text'), ...(tasks === undefined ? {} : { tasks }) };
  const limit = parameters.count('limit', MAX_HITS);
  response.setHeader('Content-Type', 'application/x-ndjson');
  try {
    for await (const state of source.search(query, limit, abort.signal)) {
      if (response.destroyed) return;
      response.write(`${JSON.stringify(state)}\n`);
    }
  } catch (error) {
    if (!(error instanceof SearchError)) throw error;
    response.write(`${JSON.stringify({ error: error.message })}\n`);
  }
  response.end();
}

function send(response: ServerResponse, type: string, body: string | Uint8Array): void {
  response.setHeader('Content-Type', type);
  response.end(body);
}
