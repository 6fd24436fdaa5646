/** Summing up all data may take one part in so many of the time. */
const SHARE = 20;
/** Bytes that may always be summed up: a small part of what the rest of a signature costs. */
const ALWAYS = 0x40000;
/** Time saved up at most, ns, and owed at most: what runs for the first time takes much longer than later. */
const MOST_NS = 4e6;
/** A guess for the beginning, ns a byte, and how much a new measurement counts. */
const FIRST_GUESS = 0.2;
const WEIGHT = 0.25;

/** Says how much memory may be summed up, so that this takes no more than its share of a recording's time. */
export class SumBudget {
  private savedNs = MOST_NS;
  private at: number;
  private nsPerByte = FIRST_GUESS;

  /** `clock`: monotonic, ns. */
  constructor(private readonly clock: () => number) {
    this.at = clock();
  }

  /** Whether there is time to sum up so many bytes now. */
  allows(bytes: number): boolean {
    const now = this.clock();
    this.savedNs = Math.min(MOST_NS, this.savedNs + (now - this.at) / SHARE);
    this.at = now;
    return bytes <= ALWAYS || bytes * this.nsPerByte <= this.savedNs;
  }

  /** So many bytes, one at least, have been summed up, and it took so long, ns of processor time. */
  spend(bytes: number, tookNs: number): void {
    // One measurement that took ten times as long (another process had the CPU) is no reason to sum up nothing for long.
    const perByte = Math.min(tookNs / bytes, 4 * this.nsPerByte);
    this.nsPerByte += (perByte - this.nsPerByte) * WEIGHT;
    this.savedNs = Math.max(-MOST_NS, this.savedNs - tookNs);
  }
}
