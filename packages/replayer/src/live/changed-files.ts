import { lstatSync, readFileSync } from 'node:fs';
import type { FileContent } from './model/file-content.js';
import type { KernelModel } from './model/kernel-model.js';

/** A file's time of change is that of the last tick of the kernel's clock. */
const TICK_MS = 20;
/** So many are named. */
const MOST = 20;

/**
 * Files on the disk are as they are now. Tells those that the program had made by `nowNs`, ns since the recording began, and
 * that are gone since, or have been changed, as it may be just about to look for what it wrote. Nothing is told of those
 * that are `settled`.
 */
export function tellChangedFiles(
  { made, openFiles, startedAt }: Pick<KernelModel, 'made' | 'openFiles' | 'startedAt'>,
  nowNs: number,
  settled: ReadonlySet<string>,
  tell: (text: string) => void,
): void {
  const nowMs = startedAt * 1e3 + nowNs / 1e6;
  const opened = new Set<string>();
  for (const { what } of openFiles()) if (what.kind === 'path') opened.add(what.path);
  const texts: string[] = [];
  for (const [path, content] of made.all) {
    // Which directory it was made in is not known.
    if (!path.startsWith('/') || settled.has(path)) continue;
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      // Of one that is open that is said with its descriptor.
      if (!opened.has(path)) texts.push(`${path}: it was there, and is gone by now`);
    } else if (stats.isFile() && content !== undefined && isChanged(path, content, stats, nowMs))
      texts.push(`${path}: it has been changed since`);
  }
  for (const text of texts.slice(0, MOST)) tell(text);
  if (texts.length > MOST) tell(`so have ${texts.length - MOST} other files that it had made`);
}

function isChanged(
  path: string,
  { known }: FileContent,
  { mtimeMs, size }: { readonly mtimeMs: number; readonly size: number },
  nowMs: number,
): boolean {
  if (mtimeMs < nowMs - TICK_MS) return false;
  if (known === undefined) return mtimeMs > nowMs;
  if (size !== known.length) return true;
  try {
    return !readFileSync(path).equals(known);
  } catch {
    return true;
  }
}
