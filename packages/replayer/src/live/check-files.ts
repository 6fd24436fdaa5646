import { compareFile, Match, PieceReader } from './compare-file.js';
import type { FileActs } from './model/files/file-acts.js';
import type { FileTree } from './model/files/file-tree.js';
import type { OpenFile } from './model/open-file.js';

/** What a descriptor meets that is not as the recording saw it, or left it. Those of which nothing is known are as they are. */
export class FileCheck {
  private readonly reader: PieceReader;

  constructor(
    private readonly tree: FileTree,
    acts: FileActs,
  ) {
    this.reader = new PieceReader(acts.bytes);
  }

  /** For people; undefined: nothing differs. */
  difference(file: OpenFile): string | undefined {
    const { what } = file;
    const node = this.tree.nodeOf(file);
    if (node === undefined || what.kind !== 'path' || what.removed || node.kind === 'directory')
      return undefined;
    switch (compareFile(node, this.tree.resolve(what.path, true), this.reader)) {
      case Match.Other:
        return 'what is in it is not what the recording read or wrote';
      case Match.Longer:
        return 'the file is longer than in the recording';
      default:
        return undefined;
    }
  }

  close(): void {
    this.reader.close();
  }
}
