import { addon } from './addon.js';
import { EventKind, type NativeTracer } from './binding.js';

/**
 * As Tracer.wait, which also comes back when another thread interrupts it: the wait goes on then, for what is left of its time.
 * With 0 every stop that there is already is found.
 */
export function waitThrough(tracer: NativeTracer, timeoutMs: number): EventKind {
  if (timeoutMs < 0) {
    for (;;) {
      const kind = tracer.wait(-1);
      if (kind !== EventKind.None) return kind;
    }
  }
  const latestNs = addon.monotonicNs() + timeoutMs * 1e6;
  for (let leftMs = timeoutMs; ;) {
    const kind = tracer.wait(leftMs);
    if (kind !== EventKind.None) return kind;
    leftMs = Math.max(0, Math.ceil((latestNs - addon.monotonicNs()) / 1e6));
    // The last look may not have been one, if it was interrupted.
    if (leftMs === 0) return tracer.wait(0);
  }
}
