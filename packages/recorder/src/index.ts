/**
 * Records a Linux process tree into a log. Needs ptrace, on Linux on x86-64.
 *
 * @module @scribe-ts/recorder
 */
export { DEFAULT_VERBOSITY, VERBOSITY_LETTERS, VERBOSITY_MEANING } from './options.js';
export type { Recording, RecordOptions, RecordResult } from './options.js';
export { record, RecordError } from './recorder.js';
export { ContentStore, defaultStore, StoreError } from './store.js';
export { parseVerbosity, type Verbosity } from './verbosity.js';
