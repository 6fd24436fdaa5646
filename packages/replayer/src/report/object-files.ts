import { join } from 'node:path';
import { CallFrameInfo } from './call-frame-info.js';
import type { UnwindRow } from './call-frame-rows.js';
import { ElfFile } from '@scribe-ts/core-native';
import { LineTable, type SourceLine } from './line-table.js';
import { PltNames } from './plt-names.js';
import { type FunctionSymbol, SymbolTable } from './symbols.js';

/** Where distributions install debug information apart from the programs. */
const SYSTEM_DEBUG_DIRECTORY = '/usr/lib/debug';

/** What is known of one mapped file. Every answer is kept: one stack after the other comes by the same places. */
export class LoadedFile {
  /** The debug file first: it knows more, and both know the file's addresses. */
  private readonly parts: readonly ElfFile[];
  private symbols: readonly (SymbolTable | PltNames)[] | undefined;
  private callFrames: readonly CallFrameInfo[] | undefined;
  private lineTables: readonly LineTable[] | undefined;
  private readonly functions = new Map<number, FunctionSymbol | undefined>();
  private readonly rows = new Map<number, UnwindRow | undefined>();
  private readonly lines = new Map<number, SourceLine | undefined>();

  constructor(
    /** As the recorded program knew it. */
    readonly path: string,
    readonly elf: ElfFile | undefined,
    debug: ElfFile | undefined,
  ) {
    this.parts = [debug, elf].filter((file) => file !== undefined);
  }

  close(): void {
    for (const part of this.parts) part.close();
  }

  /** Function that has the instruction at an address of the file. */
  functionAt(address: number): FunctionSymbol | undefined {
    this.symbols ??= [
      ...this.parts.map((part) => new SymbolTable(part)),
      ...(this.elf === undefined ? [] : [new PltNames(this.elf)]),
    ];
    return remember(this.functions, this.symbols, address, (table) => table.find(address));
  }

  /** How to get from this instruction's frame to its caller's. */
  rowAt(address: number): UnwindRow | undefined {
    // The program's own first: that of the debug file is empty but for .debug_frame.
    this.callFrames ??= this.parts.map((part) => new CallFrameInfo(part)).reverse();
    return remember(this.rows, this.callFrames, address, (info) => info.rowAt(address));
  }

  /** Line of source that the instruction at an address of the file was made from. */
  lineAt(address: number): SourceLine | undefined {
    this.lineTables ??= this.parts.map((part) => new LineTable(part));
    return remember(this.lines, this.lineTables, address, (table) => table.find(address));
  }
}

/** The first answer that one of the sources has, kept. */
function remember<S, T>(
  known: Map<number, T | undefined>,
  sources: readonly S[],
  address: number,
  ask: (source: S) => T | undefined,
): T | undefined {
  if (known.has(address)) return known.get(address);
  let found: T | undefined;
  for (const source of sources) if ((found = ask(source)) !== undefined) break;
  known.set(address, found);
  return found;
}

/** The files that replayed programs have mapped, each opened once. */
export class ObjectFiles {
  private readonly files = new Map<string, LoadedFile>();

  /** `debugDirectories` are searched for debug files by build id, before the system's. */
  constructor(private readonly debugDirectories: readonly string[] = []) {}

  /** The file that the replay has at `path`, which the recording had at `recordedPath`. */
  open(path: string, recordedPath: string): LoadedFile {
    let file = this.files.get(path);
    if (file === undefined) {
      const elf = ElfFile.open(path);
      file = new LoadedFile(recordedPath, elf, this.debugFileOf(elf));
      this.files.set(path, file);
    }
    return file;
  }

  close(): void {
    for (const file of this.files.values()) file.close();
    this.files.clear();
  }

  private debugFileOf(elf: ElfFile | undefined): ElfFile | undefined {
    const id = elf?.buildId();
    if (id === undefined || id.length < 4) return undefined;
    for (const directory of [...this.debugDirectories, SYSTEM_DEBUG_DIRECTORY]) {
      const path = join(directory, '.build-id', id.slice(0, 2), `${id.slice(2)}.debug`);
      const debug = ElfFile.open(path);
      if (debug?.buildId() === id) return debug;
      debug?.close();
    }
    return undefined;
  }
}
