export { MissingContentError } from './contents.js';
export {
  type Divergence,
  DivergenceError,
  type ReplayOptions,
  type ReplayResult,
} from './options.js';
export { replay, ReplayError } from './replayer.js';
