/// <reference lib="dom" />
/** The page in a real browser. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { view } from '../src/server/serve.js';
import { browserPath, launch, newPage, shows, until } from './support/browser.js';
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
  const page = await newPage(browser, {
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
  await page.waitForSelector('html[data-ready]');
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

/** Passes once there are so many elements. */
async function counts(
  t: ExecutionContext,
  page: Page,
  selector: string,
  count: number,
): Promise<void> {
  const read = (): Promise<number> => page.locator(selector).count();
  t.is(await until(read, (found) => found === count), count);
}

/** Passes once the keyboard is at this element. */
async function focuses(t: ExecutionContext, page: Page, id: string): Promise<void> {
  const read = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id);
  t.is(await until(read, (found) => found === id), id);
}

browserTest('tree, timeline and list of a small recording', async (t) => {
  const page = await open(t, story);
  t.is(await page.title(), 'server --port 80 · scribe view');
  await shows(t, page, '#facts', /17 events · 3 tasks · 15 µs/);
  const rows = await page.locator('#tree .row').allTextContents();
  t.is(rows.length, 3);
  t.regex(rows[1]!, /thread 101/);
  await page.waitForSelector('.event-line');
  await counts(t, page, '.event-line', 17);
  await page.waitForFunction(() => document.querySelector('#lanes-canvas') !== null);
  for (const [canvas, most] of [
    ['#lanes-canvas', 5],
    ['#overview', 2],
  ] as const) {
    t.true(
      (await until(
        () => colours(page, canvas),
        (found) => found > most,
      )) > most,
    );
  }
});

browserTest('the keyboard does everything', async (t) => {
  const page = await open(t, story);
  await page.waitForSelector('.event-line');
  await focuses(t, page, 'lanes');
  await page.keyboard.press('j');
  await shows(t, page, '#tree .current', /thread 101/);
  await page.waitForSelector('#lanes[aria-activedescendant=task-3]');
  // Both before the first is answered: the second goes on from where the first has come to.
  await page.evaluate(() => {
    for (let i = 0; i < 2; i++) {
      const press = new KeyboardEvent('keydown', { key: '.', bubbles: true, cancelable: true });
      document.activeElement!.dispatchEvent(press);
    }
  });
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent === 'futex');
  await shows(t, page, '.event-line.selected', /futex/);
  await shows(t, page, '#status', /server 101: futex at 0\.000009/);
  await page.keyboard.press(',');
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent !== 'futex');
  await page.keyboard.press('?');
  await page.waitForSelector('#help', { state: 'visible' });
  await page.keyboard.press('Escape');
  await page.keyboard.press('5');
  await shows(t, page, '#panel-log', /bookmark 1.*io_uring_setup was refused/s);
  await page.keyboard.press('2');
  await page.waitForSelector('#panel-summary table');
  await shows(t, page, '#panel-summary', /17 events/);
  await page.locator('#tab-summary').focus();
  await page.keyboard.press('ArrowRight');
  await focuses(t, page, 'tab-files');
});

browserTest('searching, and what went through a socket', async (t) => {
  const page = await open(t, story);
  await page.keyboard.press('/');
  await page.keyboard.type('failed');
  await page.keyboard.press('Enter');
  await page.waitForFunction(
    () => document.querySelectorAll('#panel-search .event-line').length > 0,
  );
  await counts(t, page, '#panel-search .event-line', 1);
  await page.keyboard.press('n');
  await page.waitForFunction(() => document.querySelector('.detail h2')?.textContent === 'unlink');
  await shows(t, page, '.detail', /ENOENT/);
  await page.keyboard.press('/');
  await page.keyboard.type('>nonsense');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() =>
    document.querySelector('#panel-search')?.textContent?.includes('is no time'),
  );
  await page.keyboard.press('3');
  await page.locator('.file-line', { hasText: 'socket:[5]' }).click();
  await page.waitForSelector('.transfer.out');
  await shows(t, page, '.talk', /HTTP\/1\.1 200 OK.*the first 15 B of 300 B/s);
  await page.locator('.talk .mini', { hasText: 'hex' }).click();
  await shows(t, page, '.talk pre', /^00000000 {2}48 54 54 50 2f 31 2e 31 {2}20/);
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
  const changed = async (from: string): Promise<string> => {
    const now = await until(ruler, (shown) => shown !== from);
    t.true(now !== from);
    return now;
  };
  const zoomed = await changed(before);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 200, box.y + 12, { steps: 5 });
  await page.mouse.up();
  const moved = await changed(zoomed);
  await page.keyboard.press('0');
  await changed(moved);
  // What lies under the pointer has to be fetched first.
  const details = async (): Promise<number> => {
    await page.mouse.click(box.x + box.width / 2, box.y + 12);
    return page.locator('.detail h2').count();
  };
  t.true((await until(details, (found) => found > 0)) > 0);
  let moves = 0;
  const tooltip = async (): Promise<boolean> => {
    await page.mouse.move(box.x + box.width / 2 + 1 + (moves++ % 2), box.y + 13);
    return page.locator('#tooltip').isVisible();
  };
  t.true(await until(tooltip, (visible) => visible));
});

browserTest('a truncated log says so', async (t) => {
  const page = await open(t, story, { truncated: true });
  await shows(t, page, '#banner', /Truncated: .*no end.* What was written is shown/);
});

browserTest('when the command has ended the page says so', async (t) => {
  const log = join(temporaryDirectory(t), 'x.log');
  writeLog(log, story);
  const served = await view({ log });
  const page = await newPage(browser);
  t.teardown(() => page.close());
  await page.goto(served.url);
  await page.waitForSelector('.event-line');
  await served.close();
  for (let i = 0; i < 4; i++) await page.keyboard.press('+');
  await page.waitForSelector('#problem:not([hidden])');
  await shows(t, page, '#problem', /scribe view has ended/);
});

browserTest('a log without events says so', async (t) => {
  const page = await open(t, {});
  await shows(t, page, '#banner', /no event/);
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
