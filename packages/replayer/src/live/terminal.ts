import type { TerminalState } from './model/terminal-state.js';
import type { Remote } from './remote.js';

const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const SIGNAL_SET = 8;
const SIGTTOU = 22;
const TIOCSPGRP = 0x5410;

/**
 * Gives the terminal that `fd` is the modes that the program had set, and the process group that was in the foreground;
 * `ownGroup` is undefined for one that is not the program's. Without effect where it is no terminal.
 */
export function rebuildTerminal(
  remote: Remote,
  fd: number,
  { modes, foreground }: TerminalState,
  ownGroup: (group: number) => number | undefined,
): void {
  // Only the group in the foreground may, but for those that block this.
  const set = remote.words(1n << BigInt(SIGTTOU - 1), 0);
  remote.call('rt_sigprocmask', SIG_BLOCK, set, set + SIGNAL_SET, SIGNAL_SET);
  const before = [remote.int(SIGNAL_SET), remote.int(SIGNAL_SET + 4)] as const;
  const group = foreground === undefined ? undefined : ownGroup(foreground);
  if (group !== undefined) remote.call('ioctl', fd, TIOCSPGRP, remote.words(group));
  if (modes !== undefined) remote.call('ioctl', fd, modes.request, remote.put(modes.bytes));
  const mask = remote.put(new Uint8Array(Int32Array.from(before).buffer));
  remote.call('rt_sigprocmask', SIG_SETMASK, mask, 0, SIGNAL_SET);
}
