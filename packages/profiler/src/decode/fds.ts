/**
 * Descriptors with what they refer to: `3</etc/hosts>`. Printers of structures know nothing of the call they are in, and
 * printing is synchronous: so the one who prints a call says here what descriptors mean in it.
 */

/** What stands in the angle brackets; undefined if it is not known. `after`: after the call. */
export type FdNames = (fd: number, after: boolean) => string | undefined;

let names: FdNames | undefined;

/** Until the next call of this, `fdText` annotates with `next`; undefined: not at all. */
export function annotateFds(next: FdNames | undefined): void {
  names = next;
}

export const AT_FDCWD = -100;

function annotated(text: string, fd: number, after: boolean): string {
  const name = names?.(fd, after);
  return name === undefined || name === '' ? text : `${text}<${name}>`;
}

/** A descriptor that the call uses. */
export function fdText(fd: number): string {
  return names === undefined || fd < 0 ? String(fd) : annotated(String(fd), fd, false);
}

/** A descriptor that the call has made. */
export function newFdText(fd: number): string {
  return names === undefined || fd < 0 ? String(fd) : annotated(String(fd), fd, true);
}

/** A descriptor of a directory, or AT_FDCWD. */
export function dirfdText(fd: number): string {
  if (fd !== AT_FDCWD) return fdText(fd);
  return names === undefined ? 'AT_FDCWD' : annotated('AT_FDCWD', fd, false);
}
