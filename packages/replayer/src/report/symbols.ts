import { ByteReader, type ElfFile, type ElfSection } from '@scribe-ts/core-native';

const SYMBOL_SIZE = 24;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;

interface Table {
  readonly symbols: DataView;
  readonly count: number;
  readonly names: Uint8Array;
}

interface Candidate {
  readonly name: string;
  readonly start: number;
  readonly local: boolean;
  /** It stands for what the function at its address chooses. */
  readonly indirect: boolean;
}

/** A function, and its first address as the file has it. */
export interface FunctionSymbol {
  readonly name: string;
  readonly start: number;
}

/** Names of the functions of one file, from .symtab and .dynsym. */
export class SymbolTable {
  private readonly tables: readonly Table[];

  constructor(private readonly elf: ElfFile) {
    this.tables = [elf.section('.symtab'), elf.section('.dynsym')]
      .map((section) => loadTable(elf, section))
      .filter((table) => table !== undefined);
  }

  /** Function that has the instruction at an address of the file, undefined if no symbol tells. */
  find(address: number): FunctionSymbol | undefined {
    let best: Candidate | undefined;
    let label: Candidate | undefined;
    let nearest = -1;
    for (const table of this.tables) {
      const { symbols, count } = table;
      // Looked through once for each of some dozen frames: sorting hundreds of thousands of symbols would take longer.
      for (let i = 0; i < count; i++) {
        const at = i * SYMBOL_SIZE;
        const type = symbols.getUint8(at + 4) & 0xf;
        if (type !== STT_FUNC && type !== STT_GNU_IFUNC && type !== STT_NOTYPE) continue;
        const section = symbols.getUint16(at + 6, true);
        if (section === 0) continue;
        const start = number64(symbols, at + 8);
        if (start > address) continue;
        const size = number64(symbols, at + 16);
        if (start > nearest) nearest = start;
        if (address < start + size && type !== STT_NOTYPE) {
          best = better(best, table, at, start, type === STT_GNU_IFUNC);
        } else if (size === 0 && this.holds(section, address)) {
          label = better(label, table, at, start, false);
        }
      }
    }
    // A symbol without a size reaches to the next one.
    const found = best ?? (label?.start === nearest ? label : undefined);
    return found === undefined || found.name === '' ? undefined : found;
  }

  private holds(index: number, address: number): boolean {
    const section = this.elf.sections[index];
    return (
      section !== undefined && address >= section.addr && address - section.addr < section.size
    );
  }
}

function loadTable(elf: ElfFile, section: ElfSection | undefined): Table | undefined {
  if (section === undefined) return undefined;
  try {
    const bytes = elf.content(section);
    const names = elf.content(elf.sections[section.link]);
    if (bytes === undefined || names === undefined) return undefined;
    const symbols = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { symbols, count: Math.floor(bytes.length / SYMBOL_SIZE), names };
  } catch {
    return undefined;
  }
}

function number64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x100000000 + view.getUint32(at, true);
}

/** The innermost of two functions that have an address, and of several names for one the most readable. */
function better(
  old: Candidate | undefined,
  table: Table,
  at: number,
  start: number,
  indirect: boolean,
): Candidate | undefined {
  if (old !== undefined && start < old.start) return old;
  const name = nameAt(table.names, table.symbols.getUint32(at, true));
  const local = table.symbols.getUint8(at + 4) >> 4 === STB_LOCAL;
  const candidate = { name, start, local, indirect };
  if (old === undefined || start > old.start) return candidate;
  return compareNames(candidate, old) < 0 ? candidate : old;
}

function compareNames(one: Candidate, other: Candidate): number {
  if (one.indirect !== other.indirect) return one.indirect ? 1 : -1;
  if (one.local !== other.local) return one.local ? 1 : -1;
  const underscores = (name: string): number => name.length - name.replace(/^_+/, '').length;
  return (
    underscores(one.name) - underscores(other.name) ||
    one.name.length - other.name.length ||
    (one.name < other.name ? -1 : 1)
  );
}

function nameAt(names: Uint8Array, at: number): string {
  try {
    // name@VERSION or name@@VERSION
    return new ByteReader(names, at).text().replace(/@.*$/, '');
  } catch {
    return '';
  }
}
