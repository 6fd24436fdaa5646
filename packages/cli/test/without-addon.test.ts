/** Logs are read where nothing compiled can be loaded: another system, or a checkout that was never built. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { writeLog } from './log-fixture.js';

const cli = fileURLToPath(new URL('..', import.meta.url));

/** What Node says where a compiled file is not there. */
const NO_ADDONS = `
const { Module } = require('node:module');
Module._extensions['.node'] = (module, file) => { throw new Error("Cannot find module '" + file + "'"); };
process.dlopen = () => { throw new Error('no addons here'); };
Object.defineProperty(process, 'platform', { value: 'darwin' });
`;

const scratch = mkdtempSync(join(tmpdir(), 'without-addon-'));
const preload = join(scratch, 'preload.cjs');
writeFileSync(preload, NO_ADDONS);
const log = join(scratch, 'x.log');
writeLog(log);
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

function run(command: string, ...args: readonly string[]) {
  const bin = join(cli, 'bin', `${command}.js`);
  return spawnSync(process.execPath, ['-r', preload, bin, ...args], {
    cwd: scratch,
    encoding: 'utf8',
  });
}

test('everything that reads a log works', (t) => {
  for (const [args, output] of [
    [['-y'], /^\[02\] \w+\(/m],
    [['--strace', '-tt'], /^\d\d:\d\d:\d\d\.\d{6} openat\(.* = -1 ENOENT/m],
    [['-c'], / 4 +1 total$/m],
    [['--batons'], /\[02\]/],
    [['--export', 'jsonl'], /"type":"/],
    [['--export', 'chrome'], /"traceEvents"/],
    [['--export', 'folded'], / \d+$/m],
    [['--follow'], /^\[02\] \w+\(/m],
  ] as const) {
    const { status, stdout, stderr } = run('profiler', ...args, log);
    t.is(status, 0, `${args.join(' ')}: ${stderr}`);
    t.regex(stdout, output, args.join(' '));
  }
  t.is(run('profiler', '--export', 'ctf', '--output', 'x.ctf', log).status, 0);
  t.is(run('profiler', '--diff', log, log).status, 0);
  t.regex(run('scribe', 'info', log).stdout, /^system calls: \d/m);
  t.is(run('scribe', 'view', '--html', 'x.html', log).status, 0);
  t.regex(readFileSync(join(scratch, 'x.html'), 'utf8'), /^<!doctype html>/);
});

test('what needs compiled code says so', (t) => {
  for (const [command, ...args] of [
    ['record', 'date'],
    ['replay', log],
    ['profiler', '--stacks', log],
  ] as const) {
    const { status, stderr } = run(command, ...args);
    t.is(status, 123, stderr);
    t.regex(stderr, /^\w+: the compiled part of scribe-ts is not built here; 'npm run build'/);
  }
});
