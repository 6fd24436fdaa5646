/** Where bytes of a file are to be had. */
export type Source =
  /** In what has been kept of the calls. */
  | { readonly kind: 'kept'; readonly at: number }
  /** In a file of this machine. */
  | { readonly kind: 'file'; readonly path: string; readonly at: number };

/** A stretch of a file: from `start` to before `end`, bytes. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly source: Source;
}

/** What is known of a file's content: pieces that do not overlap, by their place. */
export class Pieces {
  private all: Piece[] = [];

  get list(): readonly Piece[] {
    return this.all;
  }

  /** One behind the last byte that is known. */
  get end(): number {
    return this.all.at(-1)?.end ?? 0;
  }

  /** From now on it is this. */
  set(start: number, end: number, source: Source): void {
    if (end <= start) return;
    const last = this.all.at(-1);
    if (last === undefined || last.end <= start) {
      if (last?.end === start && follows(last, source))
        this.all[this.all.length - 1] = { ...last, end };
      else this.all.push({ start, end, source });
      return;
    }
    const from = this.firstBehind(start);
    this.remove(start, end);
    this.all.splice(
      this.all[from] !== undefined && this.all[from].start < start ? from + 1 : from,
      0,
      {
        start,
        end,
        source,
      },
    );
  }

  /** It is not known any more. */
  remove(start: number, end: number): void {
    const from = this.firstBehind(start);
    let to = from;
    while (to < this.all.length && this.all[to]!.start < end) to++;
    const cut = this.all
      .slice(from, to)
      .flatMap((piece) => [
        ...(piece.start < start ? [{ ...piece, end: start }] : []),
        ...(piece.end > end ? [{ start: end, end: piece.end, source: moved(piece, end) }] : []),
      ]);
    this.all.splice(from, to - from, ...cut);
  }

  /** Those in a stretch, cut to it. */
  within(start: number, end: number): Piece[] {
    const found: Piece[] = [];
    for (let i = this.firstBehind(start); i < this.all.length; i++) {
      const piece = this.all[i]!;
      if (piece.start >= end) break;
      const first = Math.max(piece.start, start);
      found.push({ start: first, end: Math.min(piece.end, end), source: moved(piece, first) });
    }
    return found;
  }

  /** Whether every byte of a stretch is known. */
  covers(start: number, end: number): boolean {
    let next = start;
    for (const piece of this.within(start, end)) {
      if (piece.start > next) return false;
      next = piece.end;
    }
    return next >= end;
  }

  /** Index of the first that ends behind a place. */
  private firstBehind(place: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.all[middle]!.end <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function moved({ start, source }: Piece, to: number): Source {
  return to === start ? source : { ...source, at: source.at + to - start };
}

function follows({ start, end, source: one }: Piece, other: Source): boolean {
  if (one.kind === 'kept') return other.kind === 'kept' && other.at === one.at + end - start;
  return other.kind === 'file' && other.path === one.path && other.at === one.at + end - start;
}
