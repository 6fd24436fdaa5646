export type { End, LogInfo } from './commands/info.js';
export { ExitCode } from './exit-codes.js';
export { runUmbrella } from './umbrella.js';
