import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { LogHeader } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { FileCheck } from './check-files.js';
import { ownDisk, PieceReader } from './compare-file.js';
import { LiveError } from './live-error.js';
import type { KnownFile, Tell } from './make-file.js';
import { FileActs } from './model/files/file-acts.js';
import { FileTree, parentOf } from './model/files/file-tree.js';
import type { OpenFile } from './model/open-file.js';
import { claimDirectory, Overlay } from './overlay.js';
import type { Remote } from './remote.js';
import { FileRestorer } from './restore-files.js';

/** Bytes that calls moved and memory does not take, in the overlay's directory. */
const OVERFLOW = '.kept';
/** Larger files without a name are not made again, bytes. */
const MAX_NAMELESS = 1 << 24;

/** The files that a program meets when it goes live: those of this machine as they are, or an overlay as they were. */
export class LiveFiles {
  private readonly acts: FileActs;
  private readonly overlay: string | undefined;
  private check: FileCheck | undefined;
  private tree: FileTree | undefined;
  /** Paths of files that descriptors have met as they were not. */
  readonly differing = new Set<string>();

  /** `overlay`: its directory; undefined: files are as they are. Throws LiveError where it cannot be had. */
  constructor(
    private readonly engine: Engine,
    private readonly header: LogHeader,
    overlay: string | undefined,
  ) {
    if (overlay !== undefined) {
      claimDirectory(overlay);
      this.overlay = realpathSync(overlay);
    }
    this.acts = new FileActs(this.overlay && join(this.overlay, OVERFLOW));
    engine.kernel!.model.acts = this.acts;
  }

  /**
   * The recording is over: looks what it has done to files, and makes the overlay by calls of a process. `mapped`: files whose
   * memory is shared, by path, and where their content is now. `directories`: those in which processes are.
   */
  prepare(
    remote: Remote,
    mapped: ReadonlyMap<string, string>,
    directories: readonly string[],
    tell: Tell,
  ): void {
    const { acts, engine, header, overlay } = this;
    const tree = new FileTree(header.startedAt, ownDisk(), (hash) => engine.contents.path(hash));
    tree.follow(acts.inOrder());
    for (const [path, content] of mapped) tree.setContent(path, content);
    if (acts.isFull)
      tell(
        'whether files that are open are as they were is not known: too many calls concerned files',
      );
    else this.place((this.tree = tree));
    if (overlay === undefined) {
      this.check = new FileCheck(tree, acts);
      return;
    }
    if (engine.live!.init === 0)
      throw new LiveError('NOT_SUPPORTED', `no overlay: ${engine.live!.newPids}`);
    for (const path of directories) tree.expectDirectory(path);
    const changed = [...tree.names].filter(([, node]) => node?.isChanged === true);
    const used = new Set([...directories, ...changed.map(([path]) => parentOf(path))]);
    const root = new Overlay(remote, overlay, [...used], tell);
    root.enter(engine.shared.place === '' ? [] : [engine.shared.place]);
    const moment = header.startedAt + engine.bookmarkTime / 1e9;
    const own = [overlay, realpathSync(engine.options.log)];
    new FileRestorer(remote, root, tree, acts, moment, own, directories, tell).run();
  }

  /**
   * Puts down what names open files have, and where they are read and written next: what the model has found out call by call
   * knows nothing of links, nor where an append ended, nor which process was first.
   */
  private place(tree: FileTree): void {
    const names = tree.allNames();
    for (const file of this.engine.kernel!.model.openFiles()) {
      const { what } = file;
      const node = tree.nodeOf(file);
      if (what.kind !== 'path' || what.fifo !== undefined || node === undefined) continue;
      if (!node.isListed && node.kind !== 'directory')
        file.offset.set(Infinity, tree.positionOf(file)!);
      const paths = names.get(node) ?? [];
      what.removed = paths.length === 0;
      if (!what.removed && !paths.includes(tree.resolve(what.path, true))) what.path = paths[0]!;
    }
  }

  /** What was in a file that has no name; undefined if that is not known. */
  contentOf(file: OpenFile): KnownFile | undefined {
    const node = this.tree?.nodeOf(file);
    if (node?.isComplete !== true || node.isAssumed || node.size! > MAX_NAMELESS) return undefined;
    const reader = new PieceReader(this.acts.bytes);
    const bytes = new Uint8Array(node.size!);
    const isRead = node.pieces.list.every((piece) =>
      reader.each(piece, (part, at) => {
        bytes.set(part, at);
        return true;
      }),
    );
    reader.close();
    return isRead ? { file: node, bytes, mode: node.mode } : undefined;
  }

  get isOverlay(): boolean {
    return this.overlay !== undefined;
  }

  /** What is not as it was in a file that a descriptor has opened again; undefined: nothing that is known. */
  difference(file: OpenFile): string | undefined {
    const difference = this.check?.difference(file);
    if (difference !== undefined && file.what.kind === 'path') this.differing.add(file.what.path);
    return difference;
  }

  close(): void {
    this.check?.close();
    this.acts.bytes.close();
  }
}
