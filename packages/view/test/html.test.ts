/** The page as one file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { htmlPage, type HtmlPage } from '../src/export/html.js';
import { browserPath, launch, newPage, shows, until } from './support/browser.js';
import { randomStreams, story, temporaryDirectory, writeLog } from './support/logs.js';

const browserTest = browserPath === undefined ? test.skip : test.serial;

let browser: Browser;
test.before(async () => {
  if (browserPath !== undefined) browser = await launch();
});
test.after.always(async () => {
  await browser?.close();
});

type Streams = Parameters<typeof writeLog>[1];

async function make(t: ExecutionContext, streams: Streams, maxBytes?: number): Promise<HtmlPage> {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, streams);
  return htmlPage({ log, ...(maxBytes === undefined ? {} : { maxBytes }) });
}

async function open(t: ExecutionContext, { html }: HtmlPage): Promise<Page> {
  const file = join(temporaryDirectory(t), 'page.html');
  writeFileSync(file, html);
  const page = await newPage(browser);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) faults.push(`asked for ${request.url()}`);
  });
  t.teardown(async () => {
    await page.close();
    if (faults.length > 0) throw new Error(faults.join('\n'));
  });
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('html[data-ready]');
  return page;
}

test('a small log is there as a whole', async (t) => {
  const page = await make(t, story);
  t.is(page.events, 17);
  t.is(page.kept, 17);
  t.is(page.leftOut, '');
  t.regex(
    page.html,
    /http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-/,
  );
  t.notRegex(page.html, /unsafe-inline/);
});

test('a page keeps to its size, and says what it leaves out', async (t) => {
  const streams = randomStreams(3, 40_000);
  const empty = (await make(t, {})).html.length;
  const all = await make(t, streams);
  t.is(all.kept, 40_000);
  const most = Math.floor((empty + all.html.length) / 2);
  const part = await make(t, streams, most);
  t.true(part.kept > 5000 && part.kept < 35_000, String(part.kept));
  t.true(part.html.length <= most * 1.02, `${part.html.length} of ${most}`);
  t.regex(part.leftOut, /holds [\d,]+ of 40,000 events in full/);
  const none = await make(t, streams, 1);
  t.is(none.kept, 0);
});

browserTest('the file answers as the server does', async (t) => {
  const page = await open(t, await make(t, story));
  await page.waitForSelector('.event-line');
  t.is(
    await until(
      () => page.locator('.event-line').count(),
      (found) => found === 17,
    ),
    17,
  );
  await page.keyboard.press('/');
  await page.keyboard.type('ENOENT');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#panel-search .event-line');
  t.is(
    await until(
      () => page.locator('#panel-search .event-line').count(),
      (found) => found === 1,
    ),
    1,
  );
  await page.keyboard.press('n');
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent === 'unlink');
  await page.keyboard.press('3');
  await page.locator('.file-line', { hasText: 'socket:[5]' }).click();
  await page.waitForSelector('.transfer.out');
  await shows(t, page, '.talk', /HTTP\/1\.1 200 OK/);
  await page.keyboard.press('2');
  await page.waitForSelector('#panel-summary table');
  await shows(t, page, '#panel-summary', /17 events/);
});

browserTest('what was left out is in the timeline as sums', async (t) => {
  const streams = randomStreams(4, 40_000);
  const most = Math.floor(
    ((await make(t, {})).html.length + (await make(t, streams)).html.length) / 2,
  );
  const page = await open(t, await make(t, streams, most));
  await shows(t, page, '#banner', /of 40,000 events in full/);
  // The right end, of which there is no event, is painted all the same.
  const painted = (): Promise<number> =>
    page.locator('#lanes-canvas').evaluate((canvas: HTMLCanvasElement) => {
      const context = canvas.getContext('2d')!;
      const { data } = context.getImageData(Math.floor(canvas.width * 0.9), 0, 40, 60);
      const colours = new Set<number>();
      for (let i = 0; i < data.length; i += 4) {
        colours.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
      }
      return colours.size;
    });
  const found = await until(painted, (colours) => colours > 4);
  t.true(found > 4, String(found));
});
