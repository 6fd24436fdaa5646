const FIRST_REAL_TIME = 32;

/** A signal that has been sent, and that no handler has begun for. */
export interface PendingSignal {
  readonly signo: number;
  /** When it was sent, ns since the recording began. */
  readonly time: number;
  /** siginfo_t, as far as it is known: 128 bytes. */
  readonly info: Uint8Array;
}

/**
 * What is pending for a process or a thread, as far as it was sent from inside the recording. Sender and receiver mostly are
 * in different streams, so a replay may come to a delivery before it comes to the call that sent the signal.
 */
export class PendingSignals {
  private sent: PendingSignal[] = [];
  /** When each was delivered last. */
  private readonly delivered = new Map<number, number>();
  /** Deliveries whose sending has not been replayed yet, by signal and sender. */
  private readonly ahead = new Map<string, number>();

  get all(): readonly PendingSignal[] {
    return this.sent;
  }

  /** `sender`: its process id. */
  send(signal: PendingSignal, sender: number): void {
    const { signo, time } = signal;
    const key = `${signo}:${sender}`;
    const owed = this.ahead.get(key) ?? 0;
    if (owed > 0) {
      this.ahead.set(key, owed - 1);
      return;
    }
    if (signo < FIRST_REAL_TIME) {
      if ((this.delivered.get(signo) ?? -1) >= time) return;
      if (this.sent.some((other) => other.signo === signo)) return;
    }
    this.sent.push(signal);
  }

  /** True if it was pending here. */
  deliver(signo: number, time: number): boolean {
    this.delivered.set(signo, time);
    const index = this.sent.findIndex((signal) => signal.signo === signo);
    if (index < 0) return false;
    if (signo < FIRST_REAL_TIME) this.forget(signo);
    else this.sent.splice(index, 1);
    return true;
  }

  /** A delivery of what nobody has sent yet, in the order of the replay. */
  deliverAhead(signo: number, sender: number): void {
    const key = `${signo}:${sender}`;
    this.ahead.set(key, (this.ahead.get(key) ?? 0) + 1);
  }

  /** It is ignored from now on. */
  forget(signo: number): void {
    this.sent = this.sent.filter((signal) => signal.signo !== signo);
  }
}
