/** Asks the server. */
import type { AggregateTable } from '../src/model/aggregate.js';
import type { FileFacts, LogFacts } from '../src/model/facts.js';
import { decodeTables } from '../src/model/lane-codec.js';
import type {
  Counters,
  EventDetail,
  EventKey,
  EventRow,
  LanesQuery,
  ListQuery,
  SearchQuery,
  SearchState,
  Source,
  Summary,
  Transfer,
} from '../src/model/source.js';

const PROGRESS_MS = 150;

type Values = Readonly<Record<string, string | number | undefined>>;

export class HttpSource implements Source {
  readonly leftOut = '';

  async facts(progress: (done: number) => void): Promise<LogFacts> {
    const timer = setInterval(() => {
      this.json<{ done: number }>('progress', {}).then(
        ({ done }) => progress(done),
        () => undefined,
      );
    }, PROGRESS_MS);
    try {
      return await this.json<LogFacts>('facts', {});
    } finally {
      clearInterval(timer);
    }
  }

  async lanes(
    { tasks, ...query }: LanesQuery,
    signal?: AbortSignal,
  ): Promise<readonly AggregateTable[]> {
    const response = await ask('lanes', { tasks: tasks.join(), ...query }, signal);
    return decodeTables(await response.arrayBuffer());
  }

  counters(from: number, to: number, steps: number, signal?: AbortSignal): Promise<Counters> {
    return this.json('counters', { from, to, steps }, signal);
  }

  list({ tasks, key, direction, count }: ListQuery, signal?: AbortSignal): Promise<EventRow[]> {
    const { time, task, index } = key;
    return this.json('list', { tasks: tasks?.join(), time, task, index, direction, count }, signal);
  }

  async event(task: number, index: number, signal?: AbortSignal): Promise<EventDetail | undefined> {
    return (await this.json<EventDetail | null>('event', { task, index }, signal)) ?? undefined;
  }

  files(): Promise<FileFacts[]> {
    return this.json('files', {});
  }

  transfers(
    file: number,
    { time, task, index }: EventKey,
    count: number,
    signal?: AbortSignal,
  ): Promise<Transfer[]> {
    return this.json('transfers', { file, time, task, index, count }, signal);
  }

  summary(
    { tasks, from, to }: Omit<LanesQuery, 'resolution'>,
    signal?: AbortSignal,
  ): Promise<Summary> {
    return this.json('summary', { tasks: tasks.join(), from, to }, signal);
  }

  async *search(
    { text, tasks }: SearchQuery,
    limit: number,
    signal: AbortSignal,
  ): AsyncGenerator<SearchState, void, undefined> {
    const response = await ask('search', { text, tasks: tasks?.join(), limit }, signal);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const state = JSON.parse(line) as SearchState | { error: string };
        if ('error' in state) throw new Error(state.error);
        yield state;
      }
    }
  }

  private async json<T>(name: string, values: Values, signal?: AbortSignal): Promise<T> {
    return (await (await ask(name, values, signal)).json()) as T;
  }
}

async function ask(name: string, values: Values, signal?: AbortSignal): Promise<Response> {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) search.set(key, String(value));
  }
  const options = signal === undefined ? {} : { signal };
  let response: Response;
  try {
    response = await fetch(`api/${name}?${search.toString()}`, options);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Error('scribe view has ended: start it again and open its new address', {
      cause: error,
    });
  }
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}
