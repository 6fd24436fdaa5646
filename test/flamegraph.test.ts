/** The picture that `profiler --flamegraph` draws, in a browser. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { FlameTree, renderFlamegraph } from '@scribe-ts/profiler';
import test from 'ava';
import type { Page } from 'playwright-core';
import {
  browserPath,
  launch,
  newPage,
  shows,
  until,
} from '../packages/view/test/support/browser.js';
import { workspace } from './harness.js';

function picture(): string {
  const tree = new FlameTree();
  tree.add(['program', 'main', 'often', 'write'], 90);
  tree.add(['program', 'main', 'seldom', 'a <strange> & "quoted" name: with colons', 'read'], 9);
  tree.add(['program', 'start', 'mmap'], 1);
  return renderFlamegraph(tree.root, { title: 'a & b', weight: (value) => `${value} calls` });
}

test('a picture without stacks is refused', (t) => {
  t.throws(() => renderFlamegraph(new FlameTree().root, { title: '', weight: String }), {
    instanceOf: RangeError,
  });
});

/** Widths of the frames that are shown, by their names. */
function widths(page: Page): Promise<Readonly<Record<string, number>>> {
  return page.evaluate(`Object.fromEntries(
    [...document.querySelectorAll('.flames g')]
      .filter((g) => g.style.display !== 'none')
      .map((g) => [g.querySelector('title').textContent.replace(/: [^:]*$/, ''),
        Math.round(Number(g.querySelector('rect').getAttribute('width')))]))`);
}

const inBrowser = browserPath === undefined ? test.skip : test;

inBrowser(
  `a click zooms, Escape goes back, / searches${browserPath === undefined ? ' (not here: chromium)' : ''}`,
  async (t) => {
    const place = workspace('flamegraph');
    const file = join(place.path, 'flames.svg');
    writeFileSync(file, picture());
    const browser = await launch();
    t.teardown(() => browser.close());
    const page = await newPage(browser);
    const failures: unknown[] = [];
    page.on('pageerror', (error) => failures.push(error));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) failures.push(request.url());
    });
    page.on('dialog', (dialog) => void dialog.accept('se'));
    await page.goto(pathToFileURL(file).href);
    const strange = 'a <strange> & "quoted" name: with colons';
    const whole = await widths(page);
    const same = async (expected: typeof whole): Promise<void> => {
      const shown = await until(
        () => widths(page),
        (found) => isDeepStrictEqual(found, expected),
      );
      t.deepEqual(shown, expected);
    };
    t.deepEqual(
      { all: whole.all, main: whole.main, often: whole.often, [strange]: whole[strange] },
      { all: 1200, main: 1188, often: 1080, [strange]: 108 },
    );
    await page.locator('.flames g', { hasText: 'seldom' }).first().click();
    await same({
      all: 1200,
      program: 1200,
      main: 1200,
      seldom: 1200,
      [strange]: 1200,
      read: 1200,
    });
    await page.keyboard.press('Escape');
    await same(whole);
    await page.keyboard.press('/');
    await shows(t, page, '.found', /^found in 9\.00 %$/);
    t.is(await page.locator('.flames g.hit').count(), 1);
    t.deepEqual(failures, []);
    place.discard();
  },
);
