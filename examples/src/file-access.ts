/**
 * Which files a recorded program executed, read, wrote, deleted, and looked for in vain.
 *
 *   node examples/dist/file-access.js LOG
 *
 * The log must have the strings that calls take (verbosity letter S, which is in the default).
 */
import { decodeEvents, type Event, filesOf, type SyscallEvent } from '@scribe-ts/profiler';
import { openLog } from '@scribe-ts/tracelog';

const O_ACCMODE = 3;
const ACCESS = ['read', 'write', 'read+write', 'path'] as const;
/** Where each call has its flags. */
const OPENS: Readonly<Record<string, number>> = { open: 1, openat: 2 };
const CHANGES: Readonly<Record<string, string>> = {
  creat: 'write',
  truncate: 'write',
  unlink: 'delete',
  unlinkat: 'delete',
  rmdir: 'delete',
};

/** Every access, once, as `WHAT PATH`; from oldest to newest. */
export function* fileAccesses(events: Iterable<Event>): Generator<string> {
  const seen = new Set<string>();
  for (const event of events) {
    const found = accessOf(event);
    if (found === undefined || seen.has(found)) continue;
    seen.add(found);
    yield found;
  }
}

function accessOf(event: Event): string | undefined {
  if (event.type === 'exec') return `execute ${event.path}`;
  if (event.type !== 'syscall' || event.paths.length === 0) return undefined;
  const what = verb(event);
  if (what === undefined) return undefined;
  const path = filesOf(event).findLast((file) => file.startsWith('/')) ?? event.paths[0]!;
  if (event.errnoName === 'ENOENT') return `missing ${path}`;
  return event.failed ? `refused ${path}` : `${what} ${path}`;
}

function verb({ name, frame }: SyscallEvent): string | undefined {
  const flags = OPENS[name];
  if (flags === undefined) return CHANGES[name];
  return ACCESS[Number(frame.args[flags]) & O_ACCMODE];
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: file-access LOG');
  process.exit(2);
}
using log = openLog(path);
for (const access of fileAccesses(decodeEvents(log))) console.log(access);
