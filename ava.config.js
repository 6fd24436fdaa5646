export default {
  files: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
  extensions: { ts: 'module' },
  nodeArguments: ['--import=tsx'],
  // One process a test file: a crash in native code hits that file only.
  workerThreads: false,
  concurrency: 2,
  timeout: '10m',
  // Messages of the shell and of libraries are compared, and dates: the user's language and time zone must not matter.
  environmentVariables: { LC_ALL: 'C.UTF-8', LANGUAGE: '', TZ: 'UTC' },
};
