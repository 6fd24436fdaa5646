import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** Longer than anything takes that does not hang. */
const HANG_MS = 120_000;

const PLACES = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** The browser's program; undefined if there is none here. */
export const browserPath = PLACES.find((path) => path !== '' && existsSync(path));

export function launch(): Promise<Browser> {
  // Chromium's own sandbox does not start for root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: browserPath!, args, timeout: HANG_MS });
}

/** A page whose waits are as long as a machine that is busy with much else may need. */
export async function newPage(browser: Browser, options?: BrowserContextOptions): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(HANG_MS);
  return page;
}

/** What `read` gives once that fits, or at last. A page answers to input when it comes to it, not at once. */
export async function until<T>(
  read: () => Promise<T>,
  fits: (value: T) => boolean | undefined,
): Promise<T> {
  for (const deadline = performance.now() + HANG_MS; ; await delay(20)) {
    const value = await read();
    if (fits(value) === true || performance.now() > deadline) return value;
  }
}

/** Passes once an element's text fits. */
export async function shows(
  t: ExecutionContext,
  page: Page,
  selector: string,
  pattern: RegExp,
): Promise<void> {
  const text = async (): Promise<string> => (await page.locator(selector).textContent()) ?? '';
  t.regex(await until(text, (shown) => pattern.test(shown)), pattern);
}
