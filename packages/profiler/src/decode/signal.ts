/** Signals: names, masks, actions, siginfo_t. */
import type { Word } from '@scribe-ts/tracelog';
import { choice, flags, signedChoice, type Names, type NumberPrinter } from './flags.js';
import { errnoNames } from './errno.js';
import * as names from './names/signal.js';
import { struct, type Structs } from './struct.js';
import { ticks } from './time.js';
import { hex, i32, i64, pointer, u32, u64 } from './words.js';

const FIRST_REALTIME = 32;
const LAST_SIGNAL = 64;

const signals: string[] = [];
for (const [name, signo] of Object.entries(names.SIGNALS)) signals[signo] = name;
signals[FIRST_REALTIME] = 'SIGRTMIN';
for (let signo = FIRST_REALTIME + 1; signo <= LAST_SIGNAL; signo++) {
  signals[signo] = `SIGRT_${signo - FIRST_REALTIME}`;
}

/** SIGINT, SIGRT_3; a number that is no signal stays one. */
export function signalName(signo: number): string {
  return signals[signo] ?? String(signo | 0);
}

const shortNames = signals.map((name) => name.slice(3));
const SETS_REMEMBERED = 256;
const sets = new Map<number, string>();

/** A signal mask of at most 8 bytes: `[INT CHLD]`, or `~[KILL STOP]` for what is missing where that is shorter. */
export function signalSet(bytes: Uint8Array, at: number, size: number): string {
  const low = u32(bytes, at);
  const high = size >= 8 ? u32(bytes, at + 4) : 0;
  const key = high * 2 ** 32 + low;
  // Keys of masks with bits beyond the 53rd and in the low word would not be exact.
  const exact = high < 0x20_0000;
  let text = exact ? sets.get(key) : undefined;
  if (text === undefined) {
    text = setText(low, high);
    if (exact && sets.size < SETS_REMEMBERED) sets.set(key, text);
  }
  return text;
}

function setText(low: number, high: number): string {
  const inside: string[] = [];
  const outside: string[] = [];
  for (let signo = 1; signo <= LAST_SIGNAL; signo++) {
    const word = signo <= 32 ? low : high;
    (((word >>> ((signo - 1) & 31)) & 1) === 1 ? inside : outside).push(shortNames[signo]!);
  }
  if (inside.length > LAST_SIGNAL / 2) return `~[${outside.join(' ')}]`;
  return `[${inside.join(' ')}]`;
}

const actionFlags = flags(names.SIGACTION_FLAGS);
const altstackFlags = flags(names.SIGALTSTACK_FLAGS);
const SA_RESTORER = 0x0400_0000;

const SIG_ERR = 2n ** 64n - 1n;
function handler(word: Word): string {
  if (word === 0) return 'SIG_DFL';
  if (word === 1) return 'SIG_IGN';
  return word === SIG_ERR ? 'SIG_ERR' : hex(word);
}

/** The kernel's struct sigaction: handler, flags, restorer, mask. */
function sigaction(bytes: Uint8Array, at: number): string {
  const bits = u32(bytes, at + 8);
  const beyond = u32(bytes, at + 12);
  const restorer =
    (bits & SA_RESTORER) === 0 ? '' : `, sa_restorer=${pointer(u64(bytes, at + 16))}`;
  return (
    `{sa_handler=${handler(u64(bytes, at))}, sa_mask=${signalSet(bytes, at + 24, 8)}, ` +
    `sa_flags=${actionFlags(bits)}${beyond === 0 ? '' : `|${hex(beyond * 2 ** 32)}`}${restorer}}`
  );
}

const GENERAL_CODES: Names = {
  SI_USER: 0,
  SI_KERNEL: 0x80,
  SI_QUEUE: 0xffffffff,
  SI_TIMER: 0xfffffffe,
  SI_MESGQ: 0xfffffffd,
  SI_ASYNCIO: 0xfffffffc,
  SI_SIGIO: 0xfffffffb,
  SI_TKILL: 0xfffffffa,
  SI_DETHREAD: 0xfffffff9,
  SI_ASYNCNL: 0xffffffc4,
};
const generalCode = signedChoice(GENERAL_CODES);
const codes: NumberPrinter[] = [];
function codesOf(signal: string, table: Names): void {
  codes[names.SIGNALS[signal]!] = choice(table, generalCode);
}
codesOf('SIGILL', names.ILL_CODE);
codesOf('SIGFPE', names.FPE_CODE);
codesOf('SIGSEGV', names.SEGV_CODE);
codesOf('SIGBUS', names.BUS_CODE);
codesOf('SIGTRAP', names.TRAP_CODE);
codesOf('SIGCHLD', names.CLD_CODE);
codesOf('SIGIO', names.POLL_CODE);
codesOf('SIGSYS', names.SYS_CODE);

const CLD_EXITED = 1;
/** Bytes of a siginfo_t up to the times of a child. */
const SIGINFO_CHILD = 48;
const SI_KERNEL = 0x80;
const SI_TIMER = -2;
const SI_QUEUE = -1;
const SI_MESGQ = -3;

/** siginfo_t; the members that the signal and its code give a meaning. */
export function siginfo(bytes: Uint8Array, at: number): string {
  const signo = i32(bytes, at);
  // waitid() with nobody to tell of.
  if (signo === 0) return '{}';
  const code = i32(bytes, at + 8);
  const errno = i32(bytes, at + 4);
  let text = `{si_signo=${signalName(signo)}, si_code=${(codes[signo] ?? generalCode)(code >>> 0)}`;
  if (errno !== 0) text += `, si_errno=${errnoNames.get(errno) ?? errno}`;
  return text + siginfoMembers(bytes, at, signo, code) + '}';
}

function siginfoMembers(bytes: Uint8Array, at: number, signo: number, code: number): string {
  const sender = () => `, si_pid=${i32(bytes, at + 16)}, si_uid=${u32(bytes, at + 20)}`;
  const value = () => {
    const word = u64(bytes, at + 24);
    return word === 0 ? '' : `, si_int=${i32(bytes, at + 24)}, si_ptr=${pointer(word)}`;
  };
  if (code === SI_TIMER) {
    return `, si_timerid=${i32(bytes, at + 16)}, si_overrun=${i32(bytes, at + 20)}${value()}`;
  }
  if (code === SI_QUEUE || code === SI_MESGQ) return sender() + value();
  if (code <= 0) return sender();
  switch (signalName(signo)) {
    case 'SIGCHLD': {
      const status = i32(bytes, at + 24);
      const shown = code === CLD_EXITED ? String(status) : signalName(status);
      const times =
        bytes.length < at + SIGINFO_CHILD
          ? ''
          : `, si_utime=${ticks(bytes, at + 32)}, si_stime=${ticks(bytes, at + 40)}`;
      return `${sender()}, si_status=${shown}${times}`;
    }
    case 'SIGILL':
    case 'SIGFPE':
    case 'SIGSEGV':
    case 'SIGBUS':
    case 'SIGTRAP':
      return `, si_addr=${pointer(u64(bytes, at + 16))}`;
    case 'SIGIO':
      return `, si_band=${i64(bytes, at + 16)}, si_fd=${i32(bytes, at + 24)}`;
    case 'SIGSYS':
      return `, si_call_addr=${pointer(u64(bytes, at + 16))}, si_syscall=${i32(bytes, at + 24)}`;
    default:
      return code === SI_KERNEL ? '' : sender();
  }
}

const sigevNotify = choice(names.SIGEV_NOTIFY);

export const signalStructs: Structs = {
  sigset: struct(4, signalSet),
  sigaction: struct(32, sigaction),
  siginfo: struct(28, siginfo),
  stack_t: struct(
    24,
    (bytes, at) =>
      `{ss_sp=${pointer(u64(bytes, at))}, ss_flags=${altstackFlags(u32(bytes, at + 8))}, ` +
      `ss_size=${u64(bytes, at + 16)}}`,
  ),
  sigevent: struct(
    20,
    (bytes, at) =>
      (u64(bytes, at) === 0
        ? '{'
        : `{sigev_value={sival_int=${i32(bytes, at)}, sival_ptr=${pointer(u64(bytes, at))}}, `) +
      `sigev_signo=${signalName(i32(bytes, at + 8))}, ` +
      `sigev_notify=${sigevNotify(u32(bytes, at + 12))}}`,
  ),
};

export const signalFormats: Readonly<Record<string, NumberPrinter>> = {
  signal: signalName,
  sigmask_how: choice(names.SIGMASK_HOW),
  signalfd_flags: flags(names.SIGNALFD_FLAGS),
};
