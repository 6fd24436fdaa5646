import { closeSync, openSync, type Stats, lstatSync, readlinkSync } from 'node:fs';
import { readAt } from './model/files/file-bytes.js';
import type { FileNode } from './model/files/file-node.js';
import type { Disk } from './model/files/file-tree.js';
import type { KeptBytes } from './model/files/kept-bytes.js';
import type { Piece, Source } from './model/files/pieces.js';

/** Bytes compared or copied at once. */
const BLOCK = 1 << 18;

/** What this machine has there, a symbolic link itself; undefined: nothing. */
export function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Behind a file, or not for us.
    return undefined;
  }
}

/** Symbolic links are looked at once. */
export function ownDisk(): Disk {
  const links = new Map<string, string | undefined>();
  return {
    link(path) {
      if (!links.has(path))
        links.set(path, lookAt(path)?.isSymbolicLink() === true ? readlinkSync(path) : undefined);
      return links.get(path);
    },
    size(path) {
      const stats = lookAt(path);
      return stats?.isFile() === true ? stats.size : undefined;
    },
    born: (path) => {
      const stats = lookAt(path);
      return stats && stats.birthtimeMs / 1e3;
    },
  };
}

/** Reads what is known of files. */
export class PieceReader {
  private path = '';
  private fd = -1;

  constructor(private readonly bytes: KeptBytes) {}

  /** Calls `take` with the bytes of a piece, block by block, and where each begins. Stops once it returns false. */
  each({ start, end, source }: Piece, take: (bytes: Uint8Array, at: number) => boolean): boolean {
    for (let at = start; at < end; at += BLOCK) {
      const size = Math.min(BLOCK, end - at);
      const place = source.at + at - start;
      const bytes = this.read(source, place, size);
      if (bytes.length < size || !take(bytes, at)) return false;
    }
    return true;
  }

  /** Nothing where the file is gone, or not for us. */
  private read(source: Source, place: number, size: number): Uint8Array {
    if (source.kind === 'kept') return this.bytes.read(place, size);
    try {
      return readAt(this.open(source.path), place, size);
    } catch {
      return new Uint8Array(0);
    }
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  private open(path: string): number {
    if (this.fd >= 0 && this.path === path) return this.fd;
    this.close();
    this.fd = openSync(path, 'r');
    this.path = path;
    return this.fd;
  }
}

/** How what is known of a file compares with a file of this machine. */
export enum Match {
  /** Everything that is known is as it was. */
  Same,
  /** There is more behind it now. */
  Longer,
  Other,
  /** It is none, or may not be read. */
  None,
}

/** `path`: without symbolic links. */
export function compareFile(node: FileNode, path: string, reader: PieceReader): Match {
  const stats = lookAt(path);
  if (stats?.isFile() !== true) return Match.None;
  if (stats.size < node.leastSize) return Match.Other;
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return Match.None;
  }
  try {
    const more = stats.size - (node.size ?? stats.size);
    const isLonger = more > 0;
    // Something may have been in it before.
    if (isLonger && node.isAssumed && isThere(node, fd, more, reader)) return Match.Same;
    if (!isThere(node, fd, 0, reader)) return Match.Other;
    return isLonger ? Match.Longer : Match.Same;
  } finally {
    closeSync(fd);
  }
}

/** Whether a file has all that is known of another one, `shift` bytes behind where it was. */
function isThere(node: FileNode, fd: number, shift: number, reader: PieceReader): boolean {
  let next = 0;
  for (const piece of node.pieces.list) {
    if (node.isWhole && !isZero(fd, next + shift, piece.start + shift)) return false;
    next = piece.end;
    const isSame = reader.each(
      piece,
      (bytes, at) => Buffer.compare(readAt(fd, at + shift, bytes.length), bytes) === 0,
    );
    if (!isSame) return false;
  }
  return !node.isWhole || isZero(fd, next + shift, (node.size ?? next) + shift);
}

function isZero(fd: number, start: number, end: number): boolean {
  for (let at = start; at < end; at += BLOCK)
    if (readAt(fd, at, Math.min(BLOCK, end - at)).some((byte) => byte !== 0)) return false;
  return true;
}
