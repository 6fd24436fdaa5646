import type { ModelCall } from '../model-call.js';

/** What a call that succeeded has changed. */
export type Handler = (call: ModelCall) => void;

/** By name of the call. */
export type Handlers = Readonly<Record<string, Handler>>;
