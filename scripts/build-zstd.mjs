// Compiles zstd-napi, the binding to zstd that the log is compressed with, from the sources in its package. .npmrc keeps
// npm from doing it: its own install script first asks GitHub for a binary, and then nodejs.org for headers.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nodeGyp } from '../packages/core-native/scripts/node-gyp.mjs';

const require = createRequire(new URL('../packages/tracelog/package.json', import.meta.url));
const packageDir = dirname(require.resolve('zstd-napi/package.json'));

// Node-API is stable: an addon that is there is good for every node.
if (!existsSync(join(packageDir, 'build', 'Release', 'binding.node')))
  nodeGyp(packageDir, 'rebuild');
