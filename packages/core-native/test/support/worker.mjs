// A worker's entry: tsx doesn't reach into workers by itself. workerData.module is the TypeScript module to run.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.module);
