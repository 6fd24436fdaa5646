import type { ElfFile } from '@scribe-ts/core-native';
import type { FunctionSymbol } from './symbols.js';

const SECTIONS = ['.plt.sec', '.plt', '.plt.got'] as const;
const ENTRY_SIZE = 16;
/** `.plt.got` packs its entries without the part that binds lazily. */
const SHORT_ENTRY_SIZE = 8;
const RELA_SIZE = 24;
const SYMBOL_SIZE = 24;
/** `jmp *offset(%rip)`. */
const JUMP = [0xff, 0x25] as const;
const JUMP_SIZE = 6;

/**
 * Names of a file's stubs for functions of other files, `write@plt`: no symbol table has them. A stub jumps through a word
 * of the global offset table, and the relocation of that word names the function.
 */
export class PltNames {
  private names: Map<number, string> | undefined;

  constructor(private readonly elf: ElfFile) {}

  /** The stub that has the instruction at an address of the file. */
  find(address: number): FunctionSymbol | undefined {
    for (const name of SECTIONS) {
      const section = this.elf.section(name);
      if (section === undefined || address < section.addr) continue;
      if (address >= section.addr + section.size) continue;
      const size = name === '.plt.got' ? SHORT_ENTRY_SIZE : ENTRY_SIZE;
      const start = address - ((address - section.addr) % size);
      const slot = this.slotOf(section.offset + (start - section.addr), start, size);
      const found = slot === undefined ? undefined : (this.names ??= this.load()).get(slot);
      return found === undefined ? undefined : { name: `${found}@plt`, start };
    }
    return undefined;
  }

  /** Address of the word that the stub at this place in the file jumps through. */
  private slotOf(offset: number, start: number, size: number): number | undefined {
    try {
      const code = Buffer.from(this.elf.read(offset, size));
      for (let at = 0; at + JUMP_SIZE <= size; at++) {
        if (code[at] !== JUMP[0] || code[at + 1] !== JUMP[1]) continue;
        return start + at + JUMP_SIZE + code.readInt32LE(at + 2);
      }
    } catch {
      // A damaged file has no names.
    }
    return undefined;
  }

  private load(): Map<number, string> {
    const names = new Map<number, string>();
    for (const name of ['.rela.plt', '.rela.dyn'] as const) {
      try {
        this.read(name, names);
      } catch {
        // As above.
      }
    }
    return names;
  }

  private read(name: string, into: Map<number, string>): void {
    const section = this.elf.section(name);
    const relocations = this.elf.content(section);
    const symbols = this.elf.sections[section?.link ?? -1];
    const table = this.elf.content(symbols);
    const texts = this.elf.content(this.elf.sections[symbols?.link ?? -1]);
    if (relocations === undefined || table === undefined || texts === undefined) return;
    const entries = Buffer.from(relocations.buffer, relocations.byteOffset, relocations.length);
    const rows = Buffer.from(table.buffer, table.byteOffset, table.length);
    for (let at = 0; at + RELA_SIZE <= entries.length; at += RELA_SIZE) {
      const symbol = entries.readUInt32LE(at + 12) * SYMBOL_SIZE;
      if (symbol === 0 || symbol + SYMBOL_SIZE > rows.length) continue;
      const start = rows.readUInt32LE(symbol);
      const end = texts.indexOf(0, start);
      if (end > start)
        into.set(
          Number(entries.readBigUInt64LE(at)),
          Buffer.from(texts.subarray(start, end)).toString('latin1'),
        );
    }
  }
}
