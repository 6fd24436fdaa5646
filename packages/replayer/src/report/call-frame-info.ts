import {
  contentOf,
  ehFrame,
  type ElfFile,
  entryAt,
  type FrameEntry,
  readEntries,
} from '@scribe-ts/core-native';
import { runInstructions, type UnwindRow } from './call-frame-rows.js';

/** The call frame information of one file: .eh_frame, and .debug_frame where there is such a thing (Go). */
export class CallFrameInfo {
  /** Each ascending by address. */
  private readonly tables: readonly (readonly FrameEntry[])[];

  constructor(elf: ElfFile) {
    const { bytes, address } = ehFrame(elf);
    this.tables = [
      readEntries(bytes, address, 'eh_frame'),
      readEntries(contentOf(elf, '.debug_frame'), 0, 'debug_frame'),
    ];
  }

  /** What is known at an address of the file; undefined if nothing is. */
  rowAt(address: number): UnwindRow | undefined {
    for (const table of this.tables) {
      const entry = entryAt(table, address);
      if (entry === undefined) continue;
      try {
        return runInstructions(entry, address);
      } catch (error) {
        // Damaged, or made of instructions that are not known here.
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return undefined;
  }
}
