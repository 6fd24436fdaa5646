import { posix } from 'node:path';
import type { SyscallEvent } from '../events/syscall-event.js';

const AT_FDCWD = -100;

/**
 * Names of the files that a call is about: those among its arguments, absolute as far as the log tells what they were
 * relative to, and what its descriptors refer to.
 */
export function filesOf(event: SyscallEvent): readonly string[] {
  const found: string[] = [];
  const args = event.row?.args ?? [];
  for (let i = 0; i < args.length; i++) {
    const { type } = args[i]!;
    if (type.kind !== 'string' || type.path !== true) continue;
    const name = event.stringArgument(i);
    if (name === undefined || name === '') continue;
    found.push(name);
    if (name.startsWith('/')) {
      const plain = posix.normalize(name);
      if (plain !== name) found.push(plain);
      continue;
    }
    const base = args[i - 1]?.type.kind === 'dirfd' ? event.int(i - 1) : AT_FDCWD;
    const from = base === AT_FDCWD ? event.cwd : event.meaningOf(base)?.path;
    if (from !== undefined && from !== '') found.push(posix.join(from, name));
  }
  for (const { meaning } of event.fds) if (meaning !== undefined) found.push(meaning.text);
  return found;
}
