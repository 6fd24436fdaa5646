/**
 * The offset of an open file. Processes that share one have different streams, and a replay does not come to their calls in
 * the order of the recording, so what is not yet older than the last absolute position is kept with its time.
 */
export class FileOffset {
  private base = 0;
  private baseTime = -1;
  private readonly moves: { readonly time: number; readonly by: number }[] = [];
  /** At the end of the file: the last write appended. */
  private endTime = -1;

  /** Bytes from the beginning, 'end' after an append. */
  get value(): number | 'end' {
    let value = this.base;
    let last = this.baseTime;
    for (const { time, by } of this.moves) {
      value += by;
      last = Math.max(last, time);
    }
    return this.endTime >= 0 && this.endTime >= last ? 'end' : value;
  }

  /** The call that ended at `time` left the offset at `position`. `shared`: others may yet be replayed to before that. */
  set(time: number, position: number): void {
    if (time < this.baseTime) return;
    this.base = position;
    this.baseTime = time;
    // Of two calls at the same time by the clock's tick this is the later one.
    if (time >= this.endTime) this.endTime = -1;
    for (let i = this.moves.length - 1; i >= 0; i--)
      if (this.moves[i]!.time <= time) this.moves.splice(i, 1);
  }

  /** The call that ended at `time` moved it by `by` bytes. `shared`: processes of several streams have it. */
  move(time: number, by: number, shared: boolean): void {
    if (time < this.baseTime || by === 0) return;
    if (shared) this.moves.push({ time, by });
    else {
      this.base += by;
      this.baseTime = time;
    }
  }

  /** An append left it at the end of the file. */
  toEnd(time: number): void {
    this.endTime = Math.max(this.endTime, time);
  }
}
