import { existsSync, readFileSync } from 'node:fs';
import { request as send, type IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { view, type View } from '../src/server/serve.js';
import { story, temporaryDirectory, writeLog } from './support/logs.js';

async function open(t: ExecutionContext): Promise<View> {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, story);
  const page = await view({ log });
  t.teardown(() => page.close());
  return page;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(
  url: URL | string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = send(url, { headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(parts).toString() });
      });
    });
    asked.on('error', reject).end();
  });
}

test('only who knows the whole address gets in', async (t) => {
  const { url } = await open(t);
  t.regex(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/);
  t.is((await get(`${url}api/facts`)).status, 200);
  for (const path of ['/', '/api/facts', '/x/api/facts', url.slice(0, -3) + 'x/']) {
    const { status, body } = await get(new URL(path, url));
    t.is(status, 404, path);
    t.false(body.includes('server'), path);
  }
});

test('two pages have different secrets', async (t) => {
  const [a, b] = [await open(t), await open(t)];
  t.not(new URL(a.url).pathname, new URL(b.url).pathname);
});

test('other sites get nothing, even with the address', async (t) => {
  const { url } = await open(t);
  const facts = `${url}api/facts`;
  const { port } = new URL(url);
  t.is((await get(facts, { host: `evil.example:${port}` })).status, 403);
  t.is((await get(facts, { host: '127.0.0.1:1' })).status, 403);
  t.is((await get(facts, { origin: 'http://evil.example' })).status, 403);
  t.is((await get(facts, { origin: 'null' })).status, 403);
  t.is((await get(facts, { 'sec-fetch-site': 'cross-site' })).status, 403);
  t.is((await get(facts, { 'sec-fetch-site': 'same-site' })).status, 403);
  t.is((await get(facts, { 'sec-fetch-site': 'same-origin' })).status, 200);
  t.is((await get(facts, { host: `localhost:${port}` })).status, 200);
  t.is((await get(facts, {}, 'POST')).status, 405);
});

test('what comes along with every answer', async (t) => {
  const { url } = await open(t);
  for (const path of ['', 'app.js', 'api/facts', 'nothing']) {
    const { headers } = await get(url + path);
    const policy = String(headers['content-security-policy']);
    t.regex(policy, /^default-src 'none';/, path);
    t.regex(policy, /frame-ancestors 'none'/, path);
    t.notRegex(policy, /unsafe|\*|https?:/, path);
    t.is(headers['access-control-allow-origin'], undefined);
    t.is(headers['cache-control'], 'no-store');
    t.is(headers['x-content-type-options'], 'nosniff');
    t.is(headers['referrer-policy'], 'no-referrer');
  }
});

test('the page asks for nothing from elsewhere', (t) => {
  const page = new URL('../dist/page/', import.meta.url);
  if (!existsSync(page)) {
    t.log('skipped: the page has not been built');
    t.pass();
    return;
  }
  for (const name of ['index.html', 'app.css', 'app.js']) {
    const text = readFileSync(new URL(name, page), 'utf8');
    t.notRegex(text, /(?:https?:)?\/\/(?:[\w-]+\.)+\w+\//, name);
  }
});

test('questions that make no sense', async (t) => {
  const { url } = await open(t);
  t.is((await get(`${url}api/lanes?tasks=2&from=0`)).status, 400);
  t.is((await get(`${url}api/event?task=2&index=abc`)).status, 400);
  t.is((await get(`${url}api/constructor`)).status, 404);
  t.is((await get(`${url}api/event?task=2&index=999`)).body, 'null');
  t.is((await get(`${url}../../package.json`)).status, 404);
  t.is((await get(`${url}%2e%2e/package.json`)).status, 404);
  const search = await get(`${url}api/search?text=%3Efast&limit=5`);
  t.regex(search.body, /"error":/);
});

test('a port that is taken', async (t) => {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, story);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };
  await t.throwsAsync(view({ log, port }), { code: 'EADDRINUSE' });
});

test('after close nobody answers', async (t) => {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, story);
  const page = await view({ log });
  await page.close();
  await t.throwsAsync(get(page.url), { code: 'ECONNREFUSED' });
});
