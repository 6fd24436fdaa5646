import type { Watch } from './protocol.js';

interface Owner {
  /** Somebody waits for the next one. */
  wanted(): void;
  /** One that was told has been taken. */
  taken(): void;
  /** Nobody wants more. */
  left(): void;
}

interface Waiter<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: Error): void;
}

/** What a session gives to one loop. It keeps nothing back: what it has not given yet comes before the end or a failure. */
export class Subscription<T> implements AsyncIterableIterator<T> {
  private readonly queue: T[] = [];
  private waiter: Waiter<T> | undefined;
  private outcome: 'end' | Error | undefined;

  constructor(
    readonly watch: Watch,
    private readonly owner: Owner,
  ) {}

  get isWaiting(): boolean {
    return this.waiter !== undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    const value = this.queue.shift();
    if (value !== undefined) {
      this.settle();
      return Promise.resolve({ done: false, value });
    }
    if (this.outcome !== undefined) return this.last(this.outcome);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
      this.owner.wanted();
    });
  }

  return(): Promise<IteratorResult<T>> {
    while (this.queue.shift() !== undefined) this.settle();
    this.outcome = 'end';
    this.owner.left();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** For the session. */
  push(value: unknown): void {
    const { waiter } = this;
    if (waiter === undefined) this.queue.push(value as T);
    else {
      this.waiter = undefined;
      this.settle();
      waiter.resolve({ done: false, value: value as T });
    }
  }

  /** For the session: the replay has ended. */
  end(): void {
    this.outcome ??= 'end';
    const { waiter } = this;
    this.waiter = undefined;
    if (waiter !== undefined) void this.last('end').then((result) => waiter.resolve(result));
  }

  /** For the session: the replay has failed. */
  fail(error: Error): void {
    this.outcome ??= error;
    const { waiter } = this;
    this.waiter = undefined;
    waiter?.reject(error);
  }

  private settle(): void {
    if (this.watch.action === 'tell') this.owner.taken();
  }

  private last(outcome: 'end' | Error): Promise<IteratorResult<T>> {
    this.owner.left();
    if (outcome === 'end') return Promise.resolve({ done: true, value: undefined });
    return Promise.reject(outcome);
  }
}
