import { closeSync, ftruncateSync, openSync, readdirSync, type Stats } from 'node:fs';
import { compareFile, lookAt, Match, PieceReader } from './compare-file.js';
import type { Tell } from './make-file.js';
import { readAt, writeAt } from './model/files/file-bytes.js';
import type { FileActs } from './model/files/file-acts.js';
import type { FileNode } from './model/files/file-node.js';
import { type FileTree, parentOf } from './model/files/file-tree.js';
import type { Overlay } from './overlay.js';
import type { Remote } from './remote.js';

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const AT_FDCWD = -100;
const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const EISDIR = 21;
const ENOENT = 2;
const EPERM = 1;
const S_IFIFO = 0o010000;
const BLOCK = 1 << 18;
/** Times of files are those of a clock that ticks, behind that of the log; its beginning is known to the millisecond. */
const SLACK_MS = 2;
/** Names that are told one by one. */
const MAX_NAMES = 3;

/** Puts files into an overlay as a recording has left them, by calls of a process that sees it. */
export class FileRestorer {
  private readonly reader: PieceReader;
  private readonly done = new Map<FileNode, string>();
  /** Bookmark, ms since 1970. */
  private readonly momentMs: number;

  /**
   * `moment`: of the bookmark, seconds since 1970. `own`: paths that are none of the program's business. `places`: directories
   * in which processes are.
   */
  constructor(
    private readonly remote: Remote,
    private readonly overlay: Overlay,
    private readonly tree: FileTree,
    acts: FileActs,
    moment: number,
    private readonly own: readonly string[],
    private readonly places: readonly string[],
    private readonly tell: Tell,
  ) {
    this.reader = new PieceReader(acts.bytes);
    this.momentMs = moment * 1000;
  }

  run(): void {
    const names = [...this.tree.names].sort(([one], [other]) => (one < other ? -1 : 1));
    // Directories whose names the program knows, or has changed.
    const known = new Set(this.places.map((path) => this.tree.resolve(path, true)));
    for (const [path, node] of names) {
      if (this.own.some((own) => `${path}/`.startsWith(`${own}/`))) continue;
      if (node?.isListed === true) known.add(path);
      if (node?.isNew === true) known.add(parentOf(path) || '/');
      if (!this.overlay.covers(path)) this.tellUncovered(path, node);
      else if (node === undefined) this.remove(path);
      else this.restore(path, node);
    }
    for (const path of known) if (this.overlay.covers(path)) this.hideNewer(path);
    this.reader.close();
  }

  private restore(path: string, node: FileNode): void {
    const first = this.done.get(node);
    if (first !== undefined) {
      this.remove(path);
      this.check(
        path,
        this.inParent(path, () => {
          const [from, to] = this.remote.texts(first, path);
          return this.remote.call('linkat', AT_FDCWD, from!, AT_FDCWD, to!, 0);
        }),
      );
      return;
    }
    this.done.set(node, path);
    const stats = lookAt(path);
    switch (node.kind) {
      case 'directory':
        if (stats?.isDirectory() !== true) this.makeDirectory(path, node);
        break;
      case 'symlink':
        this.remove(path);
        this.check(
          path,
          this.inParent(path, () => {
            const [to, at] = this.remote.texts(node.to, path);
            return this.remote.call('symlink', to!, at!);
          }),
        );
        return;
      case 'fifo':
        if (stats?.isFIFO() !== true) {
          this.remove(path);
          this.check(
            path,
            this.inParent(path, () =>
              this.remote.call('mknod', this.remote.text(path), S_IFIFO | (node.mode ?? 0o666), 0),
            ),
          );
        }
        break;
      case 'socket':
        // Whoever listens binds it again.
        return;
      case 'file':
      case undefined:
        if (!this.restoreFile(path, node, stats)) return;
    }
    this.setAttributes(path, node);
  }

  /** False: there is nothing to be made. */
  private restoreFile(path: string, node: FileNode, stats: Stats | undefined): boolean {
    const exists = stats !== undefined;
    // A device, or a directory of which nothing else is known.
    if (exists && !stats.isFile() && !node.isNew) return false;
    const match = compareFile(node, path, this.reader);
    const isLater = exists && stats.mtimeMs > this.momentMs + SLACK_MS;
    const isTrusted = exists && stats.isFile() && !isLater && node.isLost;
    if (match === Match.Same || isTrusted) {
      if (isLater && !node.isComplete)
        this.tell(
          `${path} has changed since: only what the recording read and wrote of it is as it was`,
        );
      return true;
    }
    const knowsNothing = node.pieces.end === 0 && !node.isWhole;
    if (knowsNothing && !exists && !node.isChanged) return false;
    if (exists && (knowsNothing || (node.isLost && stats.isFile()))) {
      if (match !== Match.None) this.tell(`${path} is as it is now: what was in it is not known`);
      return true;
    }
    const base = node.isComplete || !exists ? undefined : path;
    if (knowsNothing) this.tell(`${path} is empty: what was in it is not known`);
    else if (base !== undefined)
      this.tell(`${path} has what the recording read and wrote of it, and else what it has now`);
    else if (!node.isComplete || (node.isAssumed && match !== Match.Longer))
      this.tell(
        `${path} has what the recording read and wrote of it: whether that is all is not known`,
      );
    this.write(path, node, base, stats);
    return true;
  }

  private write(path: string, node: FileNode, base: string | undefined, stats?: Stats): void {
    const { remote } = this;
    this.remove(path);
    const made = this.inParent(path, () =>
      remote.call('open', remote.text(path), O_WRONLY | O_CREAT | O_EXCL, 0o600),
    );
    if (!this.check(path, made)) return;
    const fd = openSync(`/proc/${remote.tid}/fd/${made}`, 'r+');
    try {
      if (base !== undefined) copyInto(base, fd);
      for (const piece of node.pieces.list) {
        const isRead = this.reader.each(piece, (bytes, at) => {
          writeAt(fd, bytes, at);
          return true;
        });
        if (!isRead) this.tell(`${path}: a part of its content cannot be read any more`);
      }
      const size = node.size ?? Math.max(node.pieces.end, base === undefined ? 0 : stats!.size);
      ftruncateSync(fd, size);
    } finally {
      closeSync(fd);
    }
    const mode = node.isNew || node.hasNewMode ? node.mode : (stats?.mode ?? node.mode);
    remote.call('fchmod', made, (mode ?? 0o644) & 0o7777);
    if (stats !== undefined && process.geteuid!() === 0)
      remote.call('fchown', made, stats.uid, stats.gid);
    remote.call('close', made);
    if (node.modified === undefined && stats !== undefined) this.setTime(path, stats.mtimeMs / 1e3);
  }

  private makeDirectory(path: string, node: FileNode): void {
    const { remote } = this;
    this.remove(path);
    const mode = node.mode ?? 0o755;
    const made = this.inParent(path, () => remote.call('mkdir', remote.text(path), mode));
    if (this.check(path, made)) remote.call('chmod', remote.text(path), mode);
    if (!node.isNew) this.tell(`${path} is gone: what was in it may be, too`);
  }

  private setAttributes(path: string, node: FileNode): void {
    const { remote } = this;
    if (node.isOwned) {
      const [uid, gid] = [node.uid, node.gid];
      const result = remote.call('lchown', remote.text(path), uid, gid);
      if (result < 0) this.tell(`${path}: its owner: errno ${-result}`);
    }
    if (node.hasNewMode) this.check(path, remote.call('chmod', remote.text(path), node.mode!));
    if (node.hasNewAttributes) this.tell(`${path}: its extended attributes are not made again`);
    if (node.modified !== undefined && node.kind !== 'directory') this.setTime(path, node.modified);
  }

  /** `seconds` since 1970. Compilers and the like go by them. */
  private setTime(path: string, seconds: number): void {
    const { remote } = this;
    const whole = Math.floor(seconds);
    const time = [whole, Math.floor((seconds - whole) * 1e9)];
    const text = Buffer.from(`${path}\0`);
    const words = new BigInt64Array([...time, ...time].map(BigInt));
    const times = remote.put(Buffer.concat([new Uint8Array(words.buffer), text]));
    remote.call('utimensat', AT_FDCWD, times + words.byteLength, times, AT_SYMLINK_NOFOLLOW);
  }

  /** Makes something; where its directory is missing, that first. Returns what `make` does. */
  private inParent(path: string, make: () => number): number {
    const result = make();
    const parent = parentOf(path);
    if (result !== -ENOENT || parent === '') return result;
    const { remote } = this;
    this.inParent(parent, () => remote.call('mkdir', remote.text(parent), 0o755));
    return make();
  }

  private check(path: string, result: number): boolean {
    if (result < 0) this.tell(`${path} cannot be made again: errno ${-result}`);
    return result >= 0;
  }

  /** Takes a name away, and all below it. */
  private remove(path: string): void {
    const { remote } = this;
    if (lookAt(path) === undefined) return;
    const unlink = (flags: number): number =>
      remote.call('unlinkat', AT_FDCWD, remote.text(path), flags);
    let result = unlink(0);
    if (result === -EISDIR || result === -EPERM) {
      for (const name of namesIn(path)) this.remove(`${path}/${name}`);
      result = unlink(AT_REMOVEDIR);
    }
    if (result < 0 && result !== -ENOENT) this.tell(`${path} cannot be removed: errno ${-result}`);
  }

  /** What has been made after the bookmark was not there. */
  private hideNewer(directory: string): void {
    const { tree } = this;
    const hidden: string[] = [];
    for (const name of namesIn(directory)) {
      const path = directory === '/' ? `/${name}` : `${directory}/${name}`;
      if (tree.names.has(path) || this.own.includes(path)) continue;
      const stats = lookAt(path);
      if (stats === undefined || stats.birthtimeMs <= this.momentMs + SLACK_MS) continue;
      // Directories on the way to what is known.
      if ([...tree.names].some(([other, node]) => node && other.startsWith(`${path}/`))) continue;
      this.remove(path);
      hidden.push(name);
    }
    if (hidden.length === 0) return;
    const listed = hidden.slice(0, MAX_NAMES).join(', ') + (hidden.length > MAX_NAMES ? ' …' : '');
    this.tell(`${directory}: ${hidden.length} newer than the bookmark, not to be seen: ${listed}`);
  }

  private tellUncovered(path: string, node: FileNode | undefined): void {
    const stats = lookAt(path);
    const isSame =
      node === undefined
        ? stats === undefined
        : !node.isChanged || compareFile(node, path, this.reader) === Match.Same;
    if (!isSame) this.tell(`${path} is not as it was, and in no overlay`);
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function copyInto(path: string, fd: number): void {
  const from = openSync(path, 'r');
  try {
    for (let at = 0; ; at += BLOCK) {
      const bytes = readAt(from, at, BLOCK);
      writeAt(fd, bytes, at);
      if (bytes.length < BLOCK) return;
    }
  } finally {
    closeSync(from);
  }
}
