// Runs all tests and keeps AVA's TAP report: in $TEST_REPORT, or else in build/test-report.tap. Prints that report; with
// $CI set only what failed or was skipped, so that it is not lost among the lines of those that passed, and a line a
// minute of how far it is; a run that hangs, or takes more than $TEST_LIMIT_MINUTES (default 45), is then ended as failed.
// Arguments go to AVA, e.g. `node scripts/test.mjs packages/tracelog/test/package.test.ts`.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { watchTests } from './watch-tests.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reportPath = resolve(process.env.TEST_REPORT || join(root, 'build', 'test-report.tap'));
mkdirSync(dirname(reportPath), { recursive: true });

const avaCli = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
const ava = spawn(process.execPath, [avaCli, '--tap', ...process.argv.slice(2)], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const report = createWriteStream(reportPath);
ava.stdout.on('data', (chunk) => report.write(chunk));
if (process.env.CI) {
  const watch = watchTests(ava, {
    limitMinutes: Number(process.env.TEST_LIMIT_MINUTES || 45),
    say: (line) => console.log(line),
    tooLong(message) {
      report.write(`not ok - ${message}\n`);
      console.log(`not ok - ${message}`);
    },
  });
  let shown = false;
  createInterface({ input: ava.stdout }).on('line', (line) => {
    watch.line(line);
    if (/^(not )?ok |^1\.\./.test(line))
      shown = !line.startsWith('ok ') || / # (SKIP|TODO)/.test(line);
    if (shown) console.log(line);
  });
} else {
  ava.stdout.pipe(process.stdout);
}

ava.on('close', (code, signal) => {
  process.exitCode = signal ? 128 + constants.signals[signal] : code;
  report.end();
});
