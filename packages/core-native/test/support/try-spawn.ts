// Tries to trace a program and prints how that failed.
import { NativeError, stubPath, Tracer } from '../../lib/index.js';

try {
  new Tracer().spawn({ file: stubPath, argv: ['stub'], envp: [] });
} catch (error) {
  if (error instanceof NativeError) process.stdout.write(`${error.code} ${error.operation}`);
}
