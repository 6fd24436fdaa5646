// Builds the addon (build/Release/core_native.node) and, when their source is there, the freestanding
// programs (build/stub, build/nest). Does nothing when no input changed since the last good build.
// Options: --clean removes build/; --force builds whatever the stamp says.
import {
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNodeDir, nodeGyp, run } from './node-gyp.mjs';

const script = fileURLToPath(import.meta.url);
const packageDir = dirname(dirname(script));
const buildDir = join(packageDir, 'build');
const addon = join(buildDir, 'Release', 'core_native.node');
const stub = join(buildDir, 'stub');
const stubSource = join(packageDir, 'agent', 'stub.c');
const nest = join(buildDir, 'nest');
const nestSource = join(packageDir, 'agent', 'nest.c');
const bindingGyp = join(packageDir, 'binding.gyp');
const stampPath = join(buildDir, 'stamp.json');
const require = createRequire(import.meta.url);

/** Far from where Linux puts programs, libraries and stacks: the stub must not lie where its target will. */
const STUB_BASE = '0x70100000';
const FREESTANDING = [
  '-nostdlib',
  '-static',
  '-no-pie',
  '-ffreestanding',
  '-O2',
  '-Wall',
  '-Wextra',
];

if (process.argv.includes('--clean')) {
  rmSync(buildDir, { recursive: true, force: true });
} else if (process.platform !== 'linux') {
  console.error('core-native: not Linux, the addon is not built (logs can still be read)');
} else {
  build();
}

function build() {
  // Taken before the compiler reads anything: a file saved during the build is newer than the stamp.
  const startedAt = new Date();
  const configuration = describeConfiguration();
  const stamp = readStamp();
  const configured =
    stamp?.configuration === configuration && existsSync(join(buildDir, 'Makefile'));
  if (!process.argv.includes('--force') && configured && isUpToDate(stamp)) return;

  if (!configured) {
    rmSync(stampPath, { force: true });
    nodeGyp(packageDir, 'configure');
  }
  nodeGyp(packageDir, 'build');
  if (existsSync(stubSource)) compileStub();
  if (existsSync(nestSource)) compileNest();
  writeFileSync(stampPath, JSON.stringify({ configuration }));
  utimesSync(stampPath, startedAt, startedAt);
}

/** Everything the generated Makefile depends on: another value means configuring again. */
function describeConfiguration() {
  return JSON.stringify({
    node: process.version,
    arch: process.arch,
    nodeDir: findNodeDir() ?? null,
    packageDir,
    nodeAddonApi: require('node-addon-api').version,
    bindingGyp: readFileSync(bindingGyp, 'utf8'),
    sources: readdirSync(join(packageDir, 'src'))
      .filter((name) => name.endsWith('.cc'))
      .sort(),
  });
}

function readStamp() {
  try {
    return { ...JSON.parse(readFileSync(stampPath, 'utf8')), mtimeMs: statSync(stampPath).mtimeMs };
  } catch {
    return undefined;
  }
}

function isUpToDate(stamp) {
  if (!existsSync(addon) || (existsSync(stubSource) && !existsSync(stub))) return false;
  if (existsSync(nestSource) && !existsSync(nest)) return false;
  return newestInputMs() < stamp.mtimeMs;
}

function newestInputMs() {
  let newestMs = statSync(script).mtimeMs;
  for (const dir of ['src', 'agent']) {
    if (!existsSync(join(packageDir, dir))) continue;
    newestMs = Math.max(newestMs, statSync(join(packageDir, dir)).mtimeMs);
    for (const name of readdirSync(join(packageDir, dir), { recursive: true })) {
      newestMs = Math.max(newestMs, statSync(join(packageDir, dir, name)).mtimeMs);
    }
  }
  return newestMs;
}

function compileNest() {
  const more = [
    '-fno-stack-protector',
    '-fno-tree-loop-distribute-patterns',
    '-mgeneral-regs-only',
  ];
  const flags = [...FREESTANDING, ...more, '-Wl,--build-id=none'];
  run(packageDir, process.env.CC || 'gcc', [...flags, '-o', nest, nestSource]);
}

function compileStub() {
  // Headers and text in one segment: one mapping of one page.
  const segment = `-Wl,-Ttext-segment=${STUB_BASE},-z,noseparate-code,--build-id=none`;
  run(packageDir, process.env.CC || 'gcc', [...FREESTANDING, segment, '-o', stub, stubSource]);
}
