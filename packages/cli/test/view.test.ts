import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as viewLibrary from '@scribe-ts/view';
import test from 'ava';
import { browserCommand } from '../src/browser.js';
import { runCommand } from '../src/command.js';
import { view } from '../src/commands/view.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { writeLog } from './log-fixture.js';

/** Starts the command; `asked` resolves when it waits for its end. */
function start(argv: string[]) {
  const host = new FakeHost();
  const deps = depsWith(host, { view: () => Promise.resolve(viewLibrary) });
  const finished = runCommand(view, argv, deps, 'scribe view');
  const url = async (): Promise<string> => {
    while (host.stdout === '' && host.stderr === '') await new Promise(setImmediate);
    return host.stdout.trim();
  };
  return { host, finished, url };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`serves the page until ${signal}`, async (t) => {
    const log = join(directory(t), 'x.log');
    writeLog(log);
    const { host, finished, url } = start([log]);
    const address = await url();
    const facts = (await (await fetch(`${address}api/facts`)).json()) as { name: string };
    t.is(facts.name, 'x.log');
    while (host.handled.length === 0) await new Promise(setImmediate);
    host.send(signal);
    t.is(await finished, 0);
    t.is(host.stderr, '');
    t.deepEqual(host.handled, []);
    await t.throwsAsync(fetch(address));
  });
}

test('on the port that was asked for', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLog(log);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const taken = start(['--port', String(port), log]);
  t.is(await taken.finished, 2);
  t.regex(taken.host.stderr, /cannot serve on port \d+: address already in use; choose another/);
  await new Promise((resolve) => other.close(resolve));
  const { host, finished, url } = start(['-p', String(port), '--no-open', log]);
  t.is(new URL(await url()).port, String(port));
  while (host.handled.length === 0) await new Promise(setImmediate);
  host.send('SIGINT');
  t.is(await finished, 0);
});

test('what is no log, and what is no port', async (t) => {
  const log = join(directory(t), 'x.log');
  const none = start([log]);
  t.is(await none.finished, 121);
  t.regex(none.host.stderr, /cannot read .*x\.log: no such file/);
  writeFileSync(log, 'plain text, and enough of it');
  const text = start([log]);
  t.is(await text.finished, 121);
  t.regex(text.host.stderr, /is not a log/);
  const port = start(['--port', '70000', log]);
  t.is(await port.finished, 2);
});

test('the page as one file', async (t) => {
  const log = join(directory(t), 'x.log');
  const page = join(directory(t), 'x.html');
  writeLog(log);
  const { host, finished } = start(['--html', page, log]);
  t.is(await finished, 0, host.stderr);
  t.regex(host.stdout, /x\.html: 0\.\d MiB, all 12 events\n$/);
  t.regex(readFileSync(page, 'utf8'), /^<!doctype html>/);
  for (const more of [['--port', '80'], ['--no-open'], ['--html-size', '0']]) {
    const wrong = start(['--html', page, ...more, log]);
    t.is(await wrong.finished, 2, more.join(' '));
  }
  t.is(await start(['--html-size', '5', log]).finished, 2);
  const nowhere = start(['--html', join(directory(t), 'none', 'x.html'), log]);
  t.is(await nowhere.finished, 124);
  t.regex(nowhere.host.stderr, /cannot write .*none/);
});

test('a browser is opened where there is a desktop', (t) => {
  if (process.platform === 'darwin') {
    t.is(browserCommand(new FakeHost()), 'open');
    return;
  }
  t.is(browserCommand(new FakeHost()), undefined);
  t.is(browserCommand(new FakeHost({ env: { DISPLAY: ':0' } })), 'xdg-open');
  t.is(browserCommand(new FakeHost({ env: { WAYLAND_DISPLAY: 'wayland-0' } })), 'xdg-open');
});
