/** Logs are read wherever there is Node: no native addon, no Linux. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const packages = fileURLToPath(new URL('../../', import.meta.url));

function sources(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

test('the profiler and tracelog import nothing that needs ptrace', (t) => {
  const allowed = /^(?:\.|node:|@scribe-ts\/tracelog$|fzstd$)/;
  let imports = 0;
  for (const directory of ['profiler/src', 'tracelog/src']) {
    for (const file of sources(join(packages, directory))) {
      const text = readFileSync(file, 'utf8');
      for (const [, name] of text.matchAll(/^(?:import|export)[^'"`;]* from '([^']+)'/gm)) {
        imports++;
        t.regex(name!, allowed, file);
      }
    }
  }
  t.true(imports > 300);
});

const READ = `
import { createRequire, Module } from 'node:module';
// No compiled code can be loaded, and the system is another.
Module._extensions['.node'] = () => { throw new Error('no addons here'); };
process.dlopen = () => { throw new Error('no addons here'); };
Object.defineProperty(process, 'platform', { value: 'darwin' });
const { openLog } = await import('@scribe-ts/tracelog');
const { LineFormatter, decodeEvents } = await import('@scribe-ts/profiler');
const reader = openLog(process.argv[2]);
const formatter = new LineFormatter({ form: 'strace', descriptors: 'names' });
let lines = 0;
for (const record of reader.records()) lines += formatter.push(record, []).length;
for (const form of ['scribe', 'raw']) for (const record of reader.records()) new LineFormatter({ form }).push(record);
console.log(lines, [...decodeEvents(reader)].length > 0);
`;

test('a compressed log is read without the addon, as on another system', (t) => {
  const directory = mkdtempSync(join(packages, 'profiler', 'dist', 'anywhere-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const program = join(directory, 'read.mjs');
  writeFileSync(program, READ);
  const log = join(packages, 'tracelog', 'test', 'fixtures', 'v1.log');
  const out = execFileSync(process.execPath, [program, log], { encoding: 'utf8' });
  t.regex(out, /^[1-9]\d* true\n$/);
});
