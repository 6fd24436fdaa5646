export default {
  files: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=tsx'],
  // One process a test file: a crash in native code hits that file only.
  workerThreads: false,
  concurrency: 2,
  timeout: '10m',
};
