import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { VERBOSITY_LETTERS, VERBOSITY_MEANING } from '@scribe-ts/recorder';
import test from 'ava';
import { root, run, scribe } from './harness.js';

const readme = readFileSync(join(root, 'README.md'), 'utf8');

function* documents(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!['node_modules', 'build', 'dist', '.git', '.store'].includes(entry.name))
        yield* documents(path);
    } else if (entry.name.endsWith('.md')) yield path;
  }
}

test('links in documents lead to files', (t) => {
  let links = 0;
  for (const path of documents(root)) {
    for (const [, target] of readFileSync(path, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      links++;
      const file = join(dirname(path), target!);
      t.true(existsSync(file), `${relative(root, path)} links to ${target}`);
    }
  }
  t.true(links > 5);
});

for (const command of [
  'record',
  'replay',
  'profiler',
  'scribe hunt',
  'scribe fork',
  'scribe view',
]) {
  test(`README has the options of ${command}, and no others`, async (t) => {
    const [program = '', ...rest] = command.split(' ');
    const { stdout } = await scribe(program, [...rest, '--help']);
    const inHelp = [...stdout.matchAll(/^ {2}(?:(-\w), | {4})(--[\w-]+)/gm)]
      .map(([, short = '', long]) => `${short} ${long}`.trim())
      .filter((option) => !/--(help|version)$/.test(option));
    const section = readme.slice(readme.indexOf(`\`${command} [options]`));
    const [, table = ''] = section.split('\n\n');
    const inReadme = [...table.matchAll(/^\| `(?:(-\w)`, `)?(--[\w-]+)/gm)].map(
      ([, short = '', long]) => `${short} ${long}`.trim(),
    );
    t.true(inHelp.length > 2, stdout);
    t.deepEqual(inReadme.sort(), inHelp.sort());
  });
}

test('README has the verbosity letters', (t) => {
  const rows = [...readme.matchAll(/^\| `(\w)` \| (.+) \|$/gm)];
  const expected = Array.from(VERBOSITY_LETTERS, (letter) => [letter, VERBOSITY_MEANING[letter]]);
  t.deepEqual(
    rows.map(([, letter, meaning]) => [letter, meaning]),
    expected,
  );
});

test("README's program runs", async (t) => {
  const [, program = ''] = /^```ts\n(.*?)^```$/ms.exec(readme) ?? [];
  // Inside the workspace, where the packages are found.
  mkdirSync(join(root, 'build'), { recursive: true });
  const directory = mkdtempSync(join(root, 'build', 'readme-'));
  const file = join(directory, 'program.mjs');
  writeFileSync(file, program);
  const outcome = await run(process.execPath, [file], { cwd: directory });
  t.is(outcome.code, 0, outcome.stderr);
  t.regex(outcome.stdout, /^\d+ true$/m);
  t.regex(outcome.stdout, /^\d+ 257 \[/m);
  rmSync(directory, { recursive: true });
});
