import { join } from 'node:path';

/** Path of a content, named by its hash (hex, 32 digits), in a content store's directory. */
export function contentPath(directory: string, hash: string): string {
  return join(directory, hash.slice(0, 2), hash);
}
