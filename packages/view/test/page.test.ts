/// <reference lib="dom" />
/** The page in a real browser. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { view } from '../src/server/serve.js';
import { browserPath, launch } from './support/browser.js';
import { randomStreams, story, temporaryDirectory, writeLog } from './support/logs.js';

const browserTest = browserPath === undefined ? test.skip : test.serial;
if (browserPath === undefined)
  console.log('the page is not tested: there is no chromium (set CHROMIUM)');

let browser: Browser;
test.before(async () => {
  if (browserPath !== undefined) browser = await launch();
});
test.after.always(async () => {
  await browser?.close();
});

type Streams = Parameters<typeof writeLog>[1];

async function open(
  t: ExecutionContext,
  streams: Streams,
  options: { truncated?: boolean; colorScheme?: 'light' | 'dark' } = {},
): Promise<Page> {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, streams, options.truncated === undefined ? {} : { truncated: options.truncated });
  const served = await view({ log });
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    colorScheme: options.colorScheme ?? 'light',
  });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(served.url) && !request.url().startsWith('data:')) {
      elsewhere.push(request.url());
    }
  });
  t.teardown(async () => {
    await page.close();
    await served.close();
    const faults = [...complaints, ...elsewhere.map((url) => `asked for ${url}`)];
    if (faults.length > 0) throw new Error(faults.join('\n'));
  });
  await page.goto(served.url);
  await page.waitForSelector('html[data-ready]', { timeout: 10_000 });
  return page;
}

/** Number of different colours in a canvas: what is blank has one. */
function colours(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const found = new Set<number>();
    for (let i = 0; i < data.length; i += 4) {
      found.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
    }
    return found.size;
  });
}

async function text(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).textContent()) ?? '';
}

browserTest('tree, timeline and list of a small recording', async (t) => {
  const page = await open(t, story);
  t.is(await page.title(), 'server --port 80 · scribe view');
  t.regex(await text(page, '#facts'), /17 events · 3 tasks · 15 µs/);
  const rows = await page.locator('#tree .row').allTextContents();
  t.is(rows.length, 3);
  t.regex(rows[1]!, /thread 101/);
  await page.waitForSelector('.event-line');
  t.is(await page.locator('.event-line').count(), 17);
  await page.waitForFunction(() => document.querySelector('#lanes-canvas') !== null);
  t.true((await colours(page, '#lanes-canvas')) > 5);
  t.true((await colours(page, '#overview')) > 2);
});

browserTest('the keyboard does everything', async (t) => {
  const page = await open(t, story);
  await page.waitForSelector('.event-line');
  t.is(await page.evaluate(() => document.activeElement?.id), 'lanes');
  await page.keyboard.press('j');
  t.regex(await text(page, '#tree .current'), /thread 101/);
  t.is(await page.getAttribute('#lanes', 'aria-activedescendant'), 'task-3');
  await page.keyboard.press('.');
  await page.waitForSelector('.detail h2');
  await page.keyboard.press('.');
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent === 'futex');
  t.regex(await text(page, '.event-line.selected'), /futex/);
  t.regex(await text(page, '#status'), /server 101: futex at 0\.000009/);
  await page.keyboard.press(',');
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent !== 'futex');
  await page.keyboard.press('?');
  t.true(await page.locator('#help').isVisible());
  await page.keyboard.press('Escape');
  await page.keyboard.press('5');
  t.regex(await text(page, '#panel-log'), /bookmark 1.*io_uring_setup was refused/s);
  await page.keyboard.press('2');
  await page.waitForSelector('#panel-summary table');
  t.regex(await text(page, '#panel-summary'), /17 events/);
  await page.locator('#tab-summary').focus();
  await page.keyboard.press('ArrowRight');
  t.is(await page.evaluate(() => document.activeElement?.id), 'tab-files');
});

browserTest('searching, and what went through a socket', async (t) => {
  const page = await open(t, story);
  await page.keyboard.press('/');
  await page.keyboard.type('failed');
  await page.keyboard.press('Enter');
  await page.waitForFunction(
    () => document.querySelectorAll('#panel-search .event-line').length > 0,
  );
  t.is(await page.locator('#panel-search .event-line').count(), 1);
  await page.keyboard.press('n');
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent === 'unlink');
  t.regex(await text(page, '.detail'), /ENOENT/);
  await page.keyboard.press('/');
  await page.keyboard.type('>nonsense');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() =>
    document.querySelector('#panel-search')?.textContent?.includes('is no time'),
  );
  await page.keyboard.press('3');
  await page.locator('.file-line', { hasText: 'socket:[5]' }).click();
  await page.waitForSelector('.transfer.out');
  t.regex(await text(page, '.talk'), /HTTP\/1\.1 200 OK.*the first 15 B of 300 B/s);
  await page.locator('.talk .mini', { hasText: 'hex' }).click();
  t.regex(await text(page, '.talk pre'), /^00000000 {2}48 54 54 50 2f 31 2e 31 {2}20/);
});

browserTest('pointer: click selects, wheel zooms, dragging moves', async (t) => {
  const page = await open(t, randomStreams(7, 4000));
  await page.waitForSelector('.event-line');
  const box = (await page.locator('#lanes-canvas').boundingBox())!;
  const ruler = async (): Promise<string> =>
    page.locator('#head-canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  const before = await ruler();
  await page.mouse.move(box.x + box.width / 2, box.y + 12);
  await page.keyboard.down('Control');
  for (let i = 0; i < 10; i++) await page.mouse.wheel(0, -150);
  await page.keyboard.up('Control');
  await page.waitForTimeout(300);
  const zoomed = await ruler();
  t.not(zoomed, before);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 200, box.y + 12, { steps: 5 });
  await page.mouse.up();
  await page.waitForTimeout(300);
  t.not(await ruler(), zoomed);
  await page.keyboard.press('0');
  await page.waitForTimeout(300);
  await page.mouse.click(box.x + box.width / 2, box.y + 12);
  await page.waitForSelector('.detail h2');
  await page.mouse.move(box.x + box.width / 2 + 1, box.y + 13);
  t.true(await page.locator('#tooltip').isVisible());
});

browserTest('a truncated log says so', async (t) => {
  const page = await open(t, story, { truncated: true });
  t.regex(await text(page, '#banner'), /Truncated: .*no end.* What was written is shown/);
});

browserTest('when the command has ended the page says so', async (t) => {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, story);
  const served = await view({ log });
  const page = await browser.newPage();
  t.teardown(() => page.close());
  await page.goto(served.url);
  await page.waitForSelector('.event-line');
  await served.close();
  for (let i = 0; i < 4; i++) await page.keyboard.press('+');
  await page.waitForSelector('#problem:not([hidden])');
  t.regex(await text(page, '#problem'), /scribe view has ended/);
});

browserTest('a log without events says so', async (t) => {
  const page = await open(t, {});
  t.regex(await text(page, '#banner'), /no event/);
});

browserTest('dark colours are other colours', async (t) => {
  const background = (page: Page): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.querySelector('main')!).backgroundColor);
  const light = await open(t, story);
  const dark = await open(t, story, { colorScheme: 'dark' });
  t.is(await background(light), 'rgb(255, 255, 255)');
  t.not(await background(dark), 'rgb(255, 255, 255)');
});

browserTest('everything that can be used has a name', async (t) => {
  const page = await open(t, story);
  await page.waitForSelector('.event-line');
  const nameless = await page.evaluate(() =>
    Array.from(document.querySelectorAll<HTMLElement>('button, input, [role], canvas'))
      .filter((element) => element.offsetParent !== null)
      .filter((element) => {
        const label = element.getAttribute('aria-label') ?? element.getAttribute('aria-labelledby');
        const own =
          element.textContent?.trim() || element.title || element.closest('label')?.textContent;
        const structural = ['status', 'option', 'group'].includes(
          element.getAttribute('role') ?? '',
        );
        return !label && !own && !structural && element.id !== 'lanes-canvas';
      })
      .map((element) => element.outerHTML.slice(0, 120)),
  );
  t.deepEqual(nameless, []);
});
