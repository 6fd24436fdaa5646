import { basename } from 'node:path';
import {
  parseMaps,
  type ProcMapping,
  Prot,
  RESERVED_END,
  RESERVED_START,
} from '@scribe-ts/core-native';
import type { LoadedFile, ObjectFiles } from './object-files.js';

/** An address inside a mapped file. */
export interface Place {
  readonly file: LoadedFile;
  /** The address as the file has it; undefined if the file is no program, or does not load this byte. */
  readonly fileAddress: number | undefined;
}

/** What lies where in the memory of a process, the replay's own pages left out. */
export class AddressMap {
  readonly mappings: readonly ProcMapping[];

  /** `recordedPaths`: last part of a path that the replay maps to the path that the recording knew. */
  constructor(
    tid: number,
    private readonly recordedPaths: ReadonlyMap<string, string>,
    private readonly files: ObjectFiles,
  ) {
    this.mappings = parseMaps(tid).filter(
      ({ start, name }) =>
        (start < RESERVED_START || start >= RESERVED_END) &&
        name !== '[vsyscall]' &&
        name !== '[uprobes]',
    );
  }

  /** Path that the recording knew for what a mapping shows; '' if it shows no file. */
  recordedPath({ inode, name }: ProcMapping): string {
    if (inode === 0) return '';
    const path = name.replace(/ \(deleted\)$/, '');
    return this.recordedPaths.get(basename(path)) ?? path;
  }

  isExecutable(address: number): boolean {
    return ((this.mappingAt(address)?.prot ?? 0) & Prot.EXEC) !== 0;
  }

  /** The file at an address; undefined where none is mapped. */
  placeOf(address: number): Place | undefined {
    const mapping = this.mappingAt(address);
    if (mapping === undefined || mapping.inode === 0) return undefined;
    const file = this.files.open(mapping.name, this.recordedPath(mapping));
    const fileAddress = file.elf?.addressOf(address - mapping.start + mapping.offset);
    return { file, fileAddress };
  }

  private mappingAt(address: number): ProcMapping | undefined {
    const { mappings } = this;
    let low = 0;
    let high = mappings.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (mappings[middle]!.end <= address) low = middle + 1;
      else high = middle;
    }
    const mapping = mappings[low];
    return mapping !== undefined && mapping.start <= address ? mapping : undefined;
  }
}
