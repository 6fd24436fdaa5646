/** Turns a log's frames into text. */
export { LineFormatter } from './line-formatter.js';
export type { LocatedFrame, ProfileOptions, ProfileRecord } from './options.js';
export { profile } from './profile.js';
