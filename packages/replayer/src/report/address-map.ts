import { basename } from 'node:path';
import {
  parseMaps,
  type ProcMapping,
  Prot,
  RESERVED_END,
  RESERVED_START,
} from '@scribe-ts/core-native';
import { CallFrameInfo } from './call-frame-info.js';
import { ElfFile } from './elf-file.js';
import { SymbolTable } from './symbols.js';

/** What is known of one mapped file. */
class LoadedFile {
  private symbolTable: SymbolTable | undefined;
  private callFrames: CallFrameInfo | undefined;

  constructor(
    /** As the recorded program knew it. */
    readonly path: string,
    readonly elf: ElfFile | undefined,
  ) {}

  get symbols(): SymbolTable | undefined {
    if (this.elf !== undefined) this.symbolTable ??= new SymbolTable(this.elf);
    return this.symbolTable;
  }

  get callFrameInfo(): CallFrameInfo | undefined {
    if (this.elf !== undefined) this.callFrames ??= new CallFrameInfo(this.elf);
    return this.callFrames;
  }
}

/** An address inside a mapped file. */
export interface Place {
  readonly file: LoadedFile;
  /** The address as the file has it; undefined if the file is no program, or does not load this byte. */
  readonly fileAddress: number | undefined;
}

/** The address space of a replayed process, with the files of the recording behind it. */
export class AddressMap {
  /** Without what the replay itself has mapped, and what the kernel maps for everyone. */
  readonly mappings: readonly ProcMapping[];
  private readonly files = new Map<string, LoadedFile>();

  /** `recordedPaths`: last part of a path that the replay maps to the path that the recording knew. */
  constructor(
    tid: number,
    private readonly recordedPaths: ReadonlyMap<string, string>,
  ) {
    this.mappings = parseMaps(tid).filter(
      ({ start, name }) =>
        (start < RESERVED_START || start >= RESERVED_END) &&
        name !== '[vsyscall]' &&
        name !== '[uprobes]',
    );
  }

  close(): void {
    for (const { elf } of this.files.values()) elf?.close();
    this.files.clear();
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
    const file = this.fileOf(mapping);
    const fileAddress = file.elf?.addressOf(address - mapping.start + mapping.offset);
    return { file, fileAddress };
  }

  private mappingAt(address: number): ProcMapping | undefined {
    return this.mappings.find(({ start, end }) => address >= start && address < end);
  }

  private fileOf(mapping: ProcMapping): LoadedFile {
    let file = this.files.get(mapping.name);
    if (file === undefined) {
      file = new LoadedFile(this.recordedPath(mapping), ElfFile.open(mapping.name));
      this.files.set(mapping.name, file);
    }
    return file;
  }
}
