import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { MapFlag, parseMaps, type ProcMapping } from '@scribe-ts/core-native';
import type { Engine } from '../engine.js';
import type { Tell } from './make-file.js';
import type { KernelModel } from './model/kernel-model.js';
import type { Remote } from './remote.js';

const ENOENT = 2;
const O_RDONLY = 0;
const O_RDWR = 2;
const PIECE = 1 << 20;
const PROT_WRITE = 2;

/** A view of a shared file. */
interface View {
  readonly remote: Remote;
  readonly mapping: ProcMapping;
}

/** Lets shared memory be that of the files again from which it was, where what is in them still is what the program had. */
export class SharedMappings {
  /** By the last part of the path of the file that has stood for them. */
  private readonly views = new Map<string, View[]>();

  /** `spaces`: one task of each address space. */
  constructor(
    private readonly engine: Engine,
    private readonly model: KernelModel,
    private readonly spaces: readonly Remote[],
    private readonly tell: Tell,
  ) {}

  /** Returns the paths of the files with which it is settled whether they are as they were. */
  run(): ReadonlySet<string> {
    this.look();
    for (const base of this.views.keys())
      if (!this.engine.recordedPaths.has(base))
        this.tell('memory shared with a file is a copy: the log does not have its name');
    const named = this.findNamed();
    const settled = new Set([...named.keys(), ...this.makeMemoryFiles(named)]);
    for (const [path, bases] of named) {
      // The last one is the one that has the name; others can only have had it before.
      const base = bases.pop()!;
      const reason = this.share(path, base);
      if (reason !== undefined)
        this.tell(
          `memory shared with ${path} is a copy: ${reason}; what is stored there reaches no file`,
        );
    }
    return settled;
  }

  /** By path, the files that have now what is in the memory that was shared with those. */
  contents(): ReadonlyMap<string, string> {
    this.look();
    const found = [...this.findNamed()].flatMap(([path, bases]): [string, string][] => {
      const object = this.engine.shared.find(bases.at(-1)!);
      return object === undefined ? [] : [[path, object]];
    });
    return new Map(found);
  }

  private look(): void {
    this.views.clear();
    for (const remote of this.spaces)
      for (const mapping of parseMaps(remote.tid)) {
        if (!mapping.shared || !mapping.name.includes('/scribe-shared-')) continue;
        const base = basename(mapping.name);
        const view = { remote, mapping };
        const known = this.views.get(base);
        if (known === undefined) this.views.set(base, [view]);
        else known.push(view);
      }
  }

  /** Files that had a name at that point, and the objects that stand for them, the oldest first. */
  private findNamed(): Map<string, string[]> {
    const named = new Map<string, string[]>();
    for (const [base, path] of this.engine.recordedPaths) {
      // Those without a name are opened there as well.
      if (!/^\/(?!dev\/zero)/.test(path) || path.endsWith(' (deleted)')) continue;
      if (!this.views.has(base)) continue;
      const name = this.model.names.now(path);
      if (name === undefined) continue;
      const bases = named.get(name);
      if (bases === undefined) named.set(name, [base]);
      else bases.push(base);
    }
    return named;
  }

  /** POSIX shared memory that is gone by now has its name again. Returns the names. */
  private makeMemoryFiles(named: ReadonlyMap<string, readonly string[]>): string[] {
    const made: string[] = [];
    const { engine, model } = this;
    const objects = new Map([...engine.recordedPaths].map(([base, path]) => [path, base]));
    for (const [path, mode] of model.memoryFiles) {
      const name = model.names.now(path);
      if (name === undefined || lstatSync(name, { throwIfNoEntry: false }) !== undefined) continue;
      made.push(name);
      const base = named.get(name)?.at(-1) ?? objects.get(path) ?? '';
      const object = engine.shared.find(base);
      const bytes = model.made.at(name)?.known;
      try {
        if (object !== undefined) copyFileSync(object, name, constants.COPYFILE_EXCL);
        else if (bytes !== undefined) writeFileSync(name, bytes, { flag: 'wx' });
        else {
          this.tell(`${name} is gone: what was in it is not known`);
          continue;
        }
        chmodSync(name, mode);
      } catch (error) {
        this.tell(`${name} cannot be made again: ${(error as Error).message}`);
      }
    }
    return made;
  }

  /** Returns why not. */
  private share(path: string, base: string): string | undefined {
    const object = this.engine.shared.find(base);
    const views = this.views.get(base)!;
    const { remote } = views[0]!;
    // What the process finds there: it may have an overlay.
    const fd = remote.call('open', remote.text(path), O_RDONLY, 0);
    if (fd === -ENOENT) return 'the file is gone';
    if (fd < 0) return `errno ${-fd}`;
    const seen = `/proc/${remote.tid}/fd/${fd}`;
    try {
      if (object === undefined || !statSync(seen).isFile()) return 'it is no file any more';
      if (!isAlike(seen, object)) return 'the file has another content by now';
    } catch (error) {
      return (error as Error).message;
    } finally {
      remote.call('close', fd);
    }
    for (const { remote, mapping } of views) {
      const result = remap(remote, path, mapping);
      if (result < 0) return `errno ${-result}`;
    }
    return undefined;
  }
}

/** Maps a file where a task has another one. Returns a negative errno for a failure. */
function remap(remote: Remote, path: string, { start, end, offset, prot }: ProcMapping): number {
  let fd = remote.call('open', remote.text(path), O_RDWR, 0);
  if (fd < 0 && (prot & PROT_WRITE) === 0) fd = remote.call('open', remote.text(path), O_RDONLY, 0);
  if (fd < 0) return fd;
  const flags = MapFlag.SHARED | MapFlag.FIXED;
  const result = remote.call('mmap', start, end - start, prot, flags, fd, offset);
  remote.call('close', fd);
  return result;
}

/** Whether two files have the same content. */
function isAlike(path: string, other: string): boolean {
  const files: number[] = [];
  try {
    for (const name of [path, other]) files.push(openSync(name, 'r'));
    const [size, otherSize] = files.map((fd) => fstatSync(fd).size);
    if (size !== otherSize) return false;
    const pieces = files.map(() => new Uint8Array(PIECE));
    for (let at = 0; at < size!;) {
      const [got, otherGot] = files.map((fd, i) => readSync(fd, pieces[i]!, 0, PIECE, at));
      if (got !== otherGot || got === 0) return false;
      if (Buffer.compare(pieces[0]!.subarray(0, got), pieces[1]!.subarray(0, got)) !== 0)
        return false;
      at += got!;
    }
    return true;
  } finally {
    for (const fd of files) closeSync(fd);
  }
}
