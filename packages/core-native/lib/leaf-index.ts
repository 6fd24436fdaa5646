import { LineFile } from './line-file.js';

const LINE = /^([0-9]+) ([0-9]+)$/;
/** Every program's loader asks for some thirty. */
const MAX_LEAVES = 64;

/** What programs have asked cpuid for, leaf and subleaf, in a file of the store: the next ones ask the same. */
export class LeafIndex {
  private readonly file: LineFile;
  private readonly known: Set<string>;

  /** `directory`: that of the store. */
  constructor(directory: string) {
    this.file = new LineFile(directory, 'cpuid-leaves');
    this.known = new Set();
    for (const line of this.file.find('')) {
      if (this.known.size === MAX_LEAVES) break;
      if (LINE.test(line)) this.known.add(line);
    }
  }

  leaves(): (readonly [number, number])[] {
    return [...this.known].map((line) => {
      const [leaf, subleaf] = line.split(' ').map(Number);
      return [leaf! >>> 0, subleaf! >>> 0];
    });
  }

  /** Adds what is not known yet, as long as there is room. */
  add(leaf: number, subleaf: number): void {
    const line = `${leaf} ${subleaf}`;
    if (this.known.has(line) || this.known.size >= MAX_LEAVES) return;
    this.known.add(line);
    this.file.add(line);
  }
}
