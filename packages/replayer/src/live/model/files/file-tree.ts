import type { OpenFile } from '../open-file.js';
import type { FileAct, Target, TimedAct, TransferAct } from './file-acts.js';
import { FileNode } from './file-node.js';

const O_WRONLY = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_DIRECTORY = 0o200000;
const O_NOFOLLOW = 0o400000;
const O_TMPFILE = 0o20200000;
const MAX_LINKS = 40;
/** How exactly times of the log and those of files can be compared, seconds. */
const SAME_MOMENT = 0.02;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;

/** What this machine has at a path now. */
export interface Disk {
  /** Where a symbolic link leads; undefined if there is none. */
  link(path: string): string | undefined;
  /** Bytes of a regular file; undefined if there is none. */
  size(path: string): number | undefined;
  /** When something was made, seconds since 1970; 0: not known; undefined: there is nothing. */
  born(path: string): number | undefined;
}

interface Open {
  readonly node: FileNode;
  position: number;
}

/**
 * What the recording has left of files at one moment: what each name stands for that it made, removed, wrote or read, and
 * what is known of its content. What it never looked at is not in it.
 */
export class FileTree {
  /** By absolute path without symbolic links; undefined: there was nothing of that name. */
  readonly names = new Map<string, FileNode | undefined>();
  private readonly open = new Map<OpenFile, Open>();
  private readonly start: number;

  /** `startedAt`: seconds since 1970 when the recording began. `content`: path of a content in the store. */
  constructor(
    startedAt: number,
    private readonly disk: Disk,
    private readonly content: (hash: string) => string,
  ) {
    this.start = startedAt;
  }

  /** The file that a descriptor is for; undefined if it has not been seen being opened. */
  nodeOf(file: OpenFile): FileNode | undefined {
    return this.open.get(file)?.node;
  }

  /** Where the next read or write of a descriptor begins; undefined if it has not been seen being opened. */
  positionOf(file: OpenFile): number | undefined {
    return this.open.get(file)?.position;
  }

  /** All names of each file. */
  allNames(): Map<FileNode, string[]> {
    const all = new Map<FileNode, string[]>();
    for (const [path, node] of this.names) {
      if (node === undefined) continue;
      const paths = all.get(node);
      if (paths === undefined) all.set(node, [path]);
      else paths.push(path);
    }
    return all;
  }

  /** Follows everything that has been done, the oldest first. */
  follow(acts: Iterable<TimedAct>): void {
    for (const { time, act } of acts) this.apply(act, this.start + time / 1e9);
  }

  /** A path without symbolic links; `last`: its last part is followed as well. */
  resolve(path: string, last: boolean): string {
    let parts = split(path);
    let done = '';
    let links = 0;
    while (parts.length > 0) {
      const [part, ...rest] = parts as [string, ...string[]];
      if (part === '..') {
        done = parentOf(done);
        parts = rest;
        continue;
      }
      const next = `${done}/${part}`;
      const to = rest.length > 0 || last ? this.linkAt(next) : undefined;
      if (to === undefined || ++links > MAX_LINKS) {
        done = next;
        parts = rest;
      } else {
        parts = [...split(to), ...rest];
        if (to.startsWith('/')) done = '';
      }
    }
    return done === '' ? '/' : done;
  }

  private linkAt(path: string): string | undefined {
    if (!this.names.has(path)) return this.disk.link(path);
    const node = this.names.get(path);
    if (node === undefined) return undefined;
    // Something that was opened by that name was found there.
    return node.kind === 'symlink' ? node.to : undefined;
  }

  private apply(act: FileAct, now: number): void {
    switch (act.kind) {
      case 'open':
        return this.opened(act, now);
      case 'read':
        return this.wasRead(act);
      case 'write':
        return this.written(act, now);
      case 'copy':
        return this.copied(act, now);
      case 'seek': {
        const open = this.open.get(act.file);
        if (open !== undefined) open.position = act.position;
        return;
      }
      case 'resize': {
        const node = this.find(act.target);
        if (node === undefined || (act.least && (node.size ?? Infinity) >= act.size)) return;
        node.resize(act.size);
        node.modified = now;
        return;
      }
      case 'lose': {
        const node = this.nodeOf(act.file);
        if (node === undefined) return;
        node.isLost = true;
        node.modified = now;
        return;
      }
      case 'make': {
        const node = new FileNode(act.what);
        node.isNew = node.isWhole = true;
        node.mode = act.mode;
        node.to = act.to;
        if (act.what === 'file') node.size = 0;
        node.modified = now;
        this.names.set(this.resolve(act.path, false), node);
        return;
      }
      case 'remove':
        return this.remove(this.resolve(act.path, false));
      case 'rename':
        return this.rename(
          this.resolve(act.from, false),
          this.resolve(act.to, false),
          act.exchange,
        );
      case 'link': {
        const node = this.find(act.from, true);
        if (node !== undefined) this.names.set(this.resolve(act.to, false), node);
        return;
      }
      case 'mode': {
        const node = this.find(act.target, true);
        if (node === undefined) return;
        node.mode = act.mode;
        node.hasNewMode = true;
        return;
      }
      case 'permissions': {
        const node = this.find(act.target, true);
        if (node === undefined) return;
        node.mode = ((node.mode ?? 0) & ~0o777) | act.mode;
        node.hasNewMode = true;
        return;
      }
      case 'owner': {
        const node = this.find(act.target, true);
        if (node === undefined) return;
        if (act.uid !== -1) node.uid = act.uid;
        if (act.gid !== -1) node.gid = act.gid;
        return;
      }
      case 'attributes': {
        const node = this.find(act.target, true);
        if (node !== undefined) node.hasNewAttributes = true;
        return;
      }
      case 'times': {
        const node = this.find(act.target, true);
        if (node !== undefined) node.modified = act.modified ?? now;
        return;
      }
      case 'seen':
        return this.seen(act);
      case 'absent': {
        const path = this.resolve(act.path, act.follow);
        // Of a file that is known another process may have told earlier than it was made.
        if (!this.names.has(path)) this.names.set(path, undefined);
        return;
      }
      case 'listed': {
        const node = this.nodeOf(act.file);
        if (node === undefined) return;
        node.kind = 'directory';
        node.isListed = true;
        return;
      }
      case 'mapped':
        return this.mapped(act);
    }
  }

  /** `makes`: something is known to be there, though nobody has said what. */
  private find(target: Target, makes = false): FileNode | undefined {
    if ('file' in target) return this.nodeOf(target.file);
    const path = this.resolve(target.path, target.follow);
    const known = this.names.get(path);
    if (known !== undefined || !makes) return known;
    const node = new FileNode(undefined);
    this.names.set(path, node);
    return node;
  }

  private opened(act: Extract<FileAct, { kind: 'open' }>, now: number): void {
    const { file, flags, mode, same } = act;
    if (same !== undefined) {
      const node = this.nodeOf(same);
      if (node !== undefined) this.begin(file, node, flags, now);
      return;
    }
    const isNameless = (flags & O_TMPFILE) === O_TMPFILE;
    const creates = (flags & O_CREAT) !== 0;
    const path = this.resolve(act.path, (flags & O_NOFOLLOW) === 0 && (flags & O_EXCL) === 0);
    let node = isNameless ? undefined : this.names.get(path);
    if (node === undefined) {
      node = new FileNode((flags & O_DIRECTORY) !== 0 && !isNameless ? 'directory' : undefined);
      const isNew = isNameless || (creates && ((flags & O_EXCL) !== 0 || this.names.has(path)));
      if (isNew) {
        node.kind = 'file';
        node.isNew = true;
        node.resize(0);
        node.modified = now;
      } else if (creates) this.guessWhetherNew(node, path, now);
      // Permissions that it would have if this made it.
      if (creates || isNameless) node.mode = mode;
      if (!isNameless) this.names.set(path, node);
    }
    this.begin(file, node, flags, now);
  }

  private begin(file: OpenFile, node: FileNode, flags: number, now: number): void {
    const writes = (flags & (O_WRONLY | O_RDWR)) !== 0;
    if ((flags & O_TRUNC) !== 0 && writes) {
      node.resize(0);
      node.modified = now;
    }
    this.open.set(file, { node, position: 0 });
  }

  /** Whether opening it has made it is not in the log; when it was made may be known here. */
  private guessWhetherNew(node: FileNode, path: string, now: number): void {
    const born = this.disk.born(path);
    if (born === undefined) {
      node.resize(0);
      node.isAssumed = true;
    } else if (Math.abs(born - now) < SAME_MOMENT) {
      node.isNew = true;
      node.kind = 'file';
      node.resize(0);
      node.modified = now;
    }
  }

  private wasRead(act: TransferAct): void {
    const open = this.open.get(act.file);
    if (open === undefined) return;
    const { node } = open;
    const start = act.at ?? open.position;
    const end = start + act.size;
    if (act.at === undefined) open.position = end;
    if (act.kept !== undefined) node.pieces.set(start, end, { kind: 'kept', at: act.kept });
    // One that begins behind the end reads nothing, and says nothing of where that is.
    if (act.size > 0) node.reaches(end);
    if (!act.short) return;
    // Fewer bytes than were wanted: the end.
    if (act.size > 0 || node.pieces.end === start) {
      node.pieces.remove(end, Infinity);
      node.size = end;
    }
  }

  private written(act: TransferAct, now: number): void {
    const open = this.open.get(act.file);
    // Nothing is no change: a file does not become longer by it, nor younger.
    if (open === undefined || act.size === 0) return;
    const { node } = open;
    node.modified = now;
    if (act.appends && node.size === undefined) {
      // Mostly it has just been made, which its opening does not tell.
      node.resize(0);
      node.isAssumed = true;
    }
    const start = act.appends ? node.size! : (act.at ?? open.position);
    const end = start + act.size;
    if (act.at === undefined) open.position = end;
    if (act.kept === undefined) node.isLost = true;
    else node.pieces.set(start, end, { kind: 'kept', at: act.kept });
    node.reaches(end);
  }

  private copied(act: Extract<FileAct, { kind: 'copy' }>, now: number): void {
    const [from, to] = [this.open.get(act.from), this.open.get(act.to)];
    if (from !== undefined && from.node.size === undefined) this.askDisk(from.node);
    const fromStart = act.fromAt ?? from?.position ?? 0;
    const toStart = act.toAt ?? to?.position ?? 0;
    const size = act.size === Infinity ? (from?.node.size ?? 0) : act.size;
    // Nothing is no change, wherever it would have come.
    if (size === 0) return;
    if (from !== undefined && act.fromAt === undefined) from.position += size;
    if (to === undefined) return;
    if (act.toAt === undefined) to.position += size;
    const { node } = to;
    node.modified = now;
    const path = from && this.pathOf(from.node);
    if (from === undefined) {
      node.isLost = true;
      return;
    }
    if (!from.node.isComplete) {
      // Its rest is what this machine has, if that is still the file that was copied.
      if (path === undefined || this.disk.size(path) !== from.node.size) {
        node.isLost = true;
        return;
      }
      node.pieces.set(toStart, toStart + size, { kind: 'file', path, at: fromStart });
    } else node.pieces.remove(toStart, toStart + size);
    for (const piece of from.node.pieces.within(fromStart, fromStart + size)) {
      const shift = toStart - fromStart;
      node.pieces.set(piece.start + shift, piece.end + shift, piece.source);
    }
    node.reaches(toStart + size);
  }

  private askDisk(node: FileNode): void {
    const path = this.pathOf(node);
    if (path !== undefined) node.size = this.disk.size(path);
  }

  private pathOf(node: FileNode): string | undefined {
    for (const [path, other] of this.names) if (other === node) return path;
    return undefined;
  }

  private seen({ target, mode, size }: Extract<FileAct, { kind: 'seen' }>): void {
    const node = this.find(target);
    if (node === undefined) return;
    if (node.kind === 'symlink') return;
    node.mode = mode & 0o7777;
    if ((mode & S_IFMT) === S_IFDIR) node.kind = 'directory';
    if ((mode & S_IFMT) !== S_IFREG) return;
    node.kind = 'file';
    if (size === 0 && node.size === undefined) node.resize(0);
    else node.size ??= size;
    // Others have written to it, or memory that is shared with it has.
    if (node.size !== size) {
      node.size = size;
      node.isLost = true;
    }
  }

  /** The content of a file is that of another one. */
  setContent(path: string, source: string): void {
    const size = this.disk.size(source);
    if (size === undefined) return;
    const node = this.find({ path, follow: true }, true)!;
    node.kind = 'file';
    node.resize(0);
    node.size = size;
    node.pieces.set(0, size, { kind: 'file', path: source, at: 0 });
  }

  /** A process is in that directory. */
  expectDirectory(path: string): void {
    const node = this.find({ path, follow: true }, true)!;
    node.kind ??= 'directory';
  }

  private mapped({ path, hash }: Extract<FileAct, { kind: 'mapped' }>): void {
    let source: string;
    try {
      source = this.content(hash);
    } catch {
      return;
    }
    this.setContent(path, source);
  }

  private remove(path: string): void {
    for (const below of this.below(path)) this.names.delete(below);
    this.names.set(path, undefined);
  }

  private rename(from: string, to: string, exchange: boolean): void {
    const node = this.names.get(from);
    // Two names of one file: the kernel leaves both (rename(2)).
    if (from === to || (node !== undefined && node === this.names.get(to))) return;
    const moved = this.take(from);
    const other = exchange ? this.take(to) : new Map<string, FileNode | undefined>();
    this.remove(to);
    if (!exchange) this.names.set(from, undefined);
    for (const [rest, node] of moved) this.names.set(to + rest, node);
    for (const [rest, node] of other) this.names.set(from + rest, node);
  }

  /** Takes a name out, and all below it, by what comes behind. */
  private take(path: string): Map<string, FileNode | undefined> {
    const taken = new Map<string, FileNode | undefined>([
      ['', this.names.get(path) ?? new FileNode(undefined)],
    ]);
    for (const below of this.below(path)) {
      taken.set(below.slice(path.length), this.names.get(below));
      this.names.delete(below);
    }
    return taken;
  }

  private below(path: string): string[] {
    return [...this.names.keys()].filter((name) => name.startsWith(`${path}/`));
  }
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}
