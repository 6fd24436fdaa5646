import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A directory for one test, removed at its end. */
export function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'scribe-cli-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}
