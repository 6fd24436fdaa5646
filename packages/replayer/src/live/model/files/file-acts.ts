import type { OpenFile } from '../open-file.js';
import { KeptBytes } from './kept-bytes.js';

/** A file as a call means it: by an absolute path, or by an open file. */
export type Target =
  { readonly path: string; readonly follow: boolean } | { readonly file: OpenFile };

/**
 * Bytes have gone to a file or come from it. `at`: the offset that the call named, undefined if it moved that of the open
 * file. `kept`: where the bytes are in what is kept, undefined if they are not. `short`: it read less than it wanted.
 */
export interface TransferAct {
  readonly kind: 'read' | 'write';
  readonly file: OpenFile;
  readonly at: number | undefined;
  readonly size: number;
  readonly kept: number | undefined;
  readonly short: boolean;
  readonly appends: boolean;
}

/** What a call has done to a file or to a name, or seen of it. */
export type FileAct =
  /** `mode`: what it gets if it is made, the umask taken off. `same`: an open file that the path stands for (/proc/self/fd). */
  | {
      readonly kind: 'open';
      readonly file: OpenFile;
      readonly path: string;
      readonly flags: number;
      readonly mode: number;
      readonly same?: OpenFile;
    }
  | TransferAct
  /** Bytes have gone from one file to another. */
  | {
      readonly kind: 'copy';
      readonly from: OpenFile;
      readonly fromAt: number | undefined;
      readonly to: OpenFile;
      readonly toAt: number | undefined;
      /** Infinity: all of it. */
      readonly size: number;
    }
  | { readonly kind: 'seek'; readonly file: OpenFile; readonly position: number }
  /** `least`: it only becomes larger. */
  | {
      readonly kind: 'resize';
      readonly target: Target;
      readonly size: number;
      readonly least: boolean;
    }
  /** Bytes have changed in a way that is not followed. */
  | { readonly kind: 'lose'; readonly file: OpenFile }
  | {
      readonly kind: 'make';
      readonly path: string;
      readonly what: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket';
      readonly mode: number;
      /** Of a symbolic link. */
      readonly to: string;
    }
  | { readonly kind: 'remove'; readonly path: string }
  | {
      readonly kind: 'rename';
      readonly from: string;
      readonly to: string;
      readonly exchange: boolean;
    }
  | { readonly kind: 'link'; readonly from: Target; readonly to: string }
  | { readonly kind: 'mode'; readonly target: Target; readonly mode: number }
  /** Only those to read, write and execute. */
  | { readonly kind: 'permissions'; readonly target: Target; readonly mode: number }
  /** -1: as it was. */
  | { readonly kind: 'owner'; readonly target: Target; readonly uid: number; readonly gid: number }
  /** Extended attributes, or what `chattr` sets. */
  | { readonly kind: 'attributes'; readonly target: Target }
  /** Seconds since 1970. */
  | { readonly kind: 'times'; readonly target: Target; readonly modified: number | undefined }
  /** What stat has said. `mode` with the type. */
  | {
      readonly kind: 'seen';
      readonly target: Target;
      readonly mode: number;
      readonly size: number;
    }
  /** There was nothing of that name. */
  | { readonly kind: 'absent'; readonly path: string; readonly follow: boolean }
  | { readonly kind: 'listed'; readonly file: OpenFile }
  /** It has been mapped; its content is in the store. */
  | { readonly kind: 'mapped'; readonly path: string; readonly hash: string };

/** As many are kept where nothing depends on them. */
const MAX_ACTS = 1 << 20;

/** An act, and when the call ended, ns since the recording began. */
export interface TimedAct {
  readonly time: number;
  readonly act: FileAct;
}

/**
 * Everything that the calls of a recording have done to files, up to where its replay has come. Processes have streams of
 * their own, and a replay does not come to their calls in the order of the recording: what it all came to is found out in
 * the end, by time (FileTree).
 */
export class FileActs {
  readonly bytes: KeptBytes;
  private acts: TimedAct[] = [];
  /** There were more than are kept: nothing is known then. */
  isFull = false;
  private readonly mapped = new Set<string>();

  /** `overflow`: a path where a file may take what memory does not; without, of so much nothing is known. */
  constructor(private readonly overflow?: string) {
    this.bytes = new KeptBytes(overflow);
  }

  add(time: number, act: FileAct): void {
    if (this.isFull) return;
    this.acts.push({ time, act });
    if (this.overflow !== undefined || this.acts.length < MAX_ACTS) return;
    this.isFull = true;
    this.acts = [];
  }

  addMapped(time: number, path: string, hash: string): void {
    const key = `${hash} ${path}`;
    if (hash === '' || !path.startsWith('/') || path.endsWith(' (deleted)') || this.mapped.has(key))
      return;
    this.mapped.add(key);
    this.add(time, { kind: 'mapped', path, hash });
  }

  /** The oldest first. */
  inOrder(): readonly TimedAct[] {
    return this.acts.sort((one, other) => one.time - other.time);
  }
}
