/** What rt_sigreturn goes back to: it stands in the frames that signals have put on a task's stack. */
import type { SignalFrame, Word } from '@scribe-ts/tracelog';
import { failure } from '../decode/errno.js';
import { signalSet } from '../decode/signal.js';
import { f64, i64 } from '../decode/words.js';

/*
 * struct rt_sigframe: the return address, then a struct ucontext, whose registers are those of the code that was
 * interrupted (uc_mcontext, rax the 14th of them), and whose mask is the one to go back to (uc_sigmask).
 */
const UCONTEXT = 8;
const RAX = UCONTEXT + 40 + 13 * 8;
const MASK = UCONTEXT + 40 + 256;
const RSP = 19 * 8;

interface Saved {
  readonly addr: number;
  readonly mask: string;
  readonly rax: Word;
}

export class SignalFrames {
  private readonly saved: Saved[] = [];

  /** A handler starts. */
  enter(frame: SignalFrame): void {
    if (frame.regs.length < RSP + 8) return;
    const addr = f64(frame.regs, RSP);
    // Handlers that were left by a jump have no frames any more.
    while (this.saved.length > 0 && this.saved.at(-1)!.addr <= addr) this.saved.pop();
    const write = frame.writes.find(
      (one) => one.addr <= addr && addr + MASK + 8 <= one.addr + one.bytes.length,
    );
    if (write === undefined) return;
    const at = addr - write.addr;
    const { bytes } = write;
    this.saved.push({
      addr,
      mask: signalSet(bytes, at + MASK, 8),
      rax: i64(bytes, at + RAX),
    });
  }

  /** The text of the rt_sigreturn that ends the last handler. */
  leave(): string {
    const last = this.saved.pop();
    if (last === undefined) return 'rt_sigreturn() = ?';
    const { mask, rax } = last;
    const failed = rax < 0 && rax >= -4095;
    return `rt_sigreturn({mask=${mask}}) = ${failed ? failure(rax) : String(rax)}`;
  }
}
