// Runs all tests and keeps AVA's TAP report: in $TEST_REPORT, or else in build/test-report.tap. Prints that report; with
// $CI set only what failed or was skipped, so that it is not lost among the lines of those that passed.
// Arguments go to AVA, e.g. `node scripts/test.mjs packages/tracelog/test/package.test.ts`.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reportPath = resolve(process.env.TEST_REPORT || join(root, 'build', 'test-report.tap'));
mkdirSync(dirname(reportPath), { recursive: true });

const avaCli = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
const ava = spawn(process.execPath, [avaCli, '--tap', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const report = createWriteStream(reportPath);
ava.stdout.pipe(report);
if (process.env.CI) {
  let shown = false;
  createInterface({ input: ava.stdout }).on('line', (line) => {
    if (/^(not )?ok |^1\.\./.test(line))
      shown = !line.startsWith('ok ') || / # (SKIP|TODO)/.test(line);
    if (shown) console.log(line);
  });
} else {
  ava.stdout.pipe(process.stdout);
}

ava.on('close', (code, signal) => {
  process.exitCode = signal ? 128 + constants.signals[signal] : code;
});
