import type { ModelCall } from '../model-call.js';
import { OpenFile } from '../open-file.js';
import type { Pty } from '../pty.js';
import { O_CLOEXEC } from './open.js';

const TCSETS = 0x5402;
const TCSETS2 = 0x402c542b;
const TCFLSH = 0x540b;
const TIOCSCTTY = 0x540e;
const TIOCSPGRP = 0x5410;
const TIOCSWINSZ = 0x5414;
const TIOCPKT = 0x5420;
const TIOCNOTTY = 0x5422;
const TIOCGPTPEER = 0x5441;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const WINSIZE = 8;
const O_NOCTTY = 0o400;
const TCOFLUSH = 1;

/** Of those that wait until output is gone and drop input: TCSETSF, TCSETSF2. */
const FLUSHING: ReadonlySet<number> = new Set([TCSETS + 2, TCSETS2 + 2]);

/** Bytes that a request takes which sets a terminal's modes, and the plain one of its like. */
const MODES = new Map<number, readonly [size: number, request: number]>(
  [0, 1, 2].flatMap((k) => [
    [TCSETS + k, [36, TCSETS]],
    [TCSETS2 + k, [44, TCSETS2]],
  ]),
);

/** A session leader that has no terminal gets the one that it opens. */
export function maybeControls({ model, task }: ModelCall, pty: Pty, flags: number): void {
  const { group, pid, session } = task.process;
  if ((flags & O_NOCTTY) !== 0 || session !== pid || pty.session !== undefined) return;
  if (model.ptys.of(session) !== undefined) return;
  pty.session = session;
  pty.foreground = group;
}

function setPty(call: ModelCall, pty: Pty, end: 'master' | 'slave', request: number): boolean {
  const { model, task, time } = call;
  const data = call.long(2);
  const modes = MODES.get(request);
  if (modes !== undefined) {
    const bytes = call.bytes(data, modes[0]).slice();
    pty.happened(time, (discipline) => discipline.setModes(bytes, FLUSHING.has(request)));
    return true;
  }
  switch (request) {
    case TIOCGPTN:
      if (pty.number === undefined) model.ptys.numbered(pty, call.view(data, 4).getInt32(0, true));
      return true;
    case TIOCSPTLCK:
      pty.isLocked = call.view(data, 4).getInt32(0, true) !== 0;
      return true;
    case TIOCPKT:
      pty.packets = call.view(data, 4).getInt32(0, true) !== 0;
      return true;
    case TIOCSWINSZ:
      pty.size = call.bytes(data, WINSIZE).slice();
      return true;
    case TIOCSPGRP:
      pty.foreground = call.view(data, 4).getInt32(0, true);
      return true;
    case TIOCSCTTY:
      pty.session = task.process.session;
      pty.foreground = task.process.group;
      return true;
    case TIOCNOTTY:
      if (pty.session === task.process.pid) pty.session = undefined;
      return true;
    case TCFLSH:
      pty.happened(time, (discipline) => {
        if (end === 'slave' && data !== TCOFLUSH) discipline.dropInput();
        else discipline.lose();
      });
      return true;
    case TIOCGPTPEER: {
      const flags = call.int(2);
      const kept = flags & ~O_CLOEXEC & ~O_NOCTTY;
      const file = new OpenFile({ kind: 'pty', end: 'slave', pty }, kept);
      pty.wasOpened = true;
      maybeControls(call, pty, flags);
      model.install(call, call.result, file, (flags & O_CLOEXEC) !== 0);
      return true;
    }
  }
  return false;
}

/** True for a request that changes a terminal of the program, or the one that it was started with. */
export function setTerminal(call: ModelCall, request: number): boolean {
  const what = call.descriptor(0)?.file.what;
  if (what?.kind === 'pty') return setPty(call, what.pty, what.end, request);
  const modes = MODES.get(request);
  if (modes === undefined && request !== TIOCSPGRP) return false;
  const isOurs = what?.kind === 'standard' || (what?.kind === 'path' && what.path === '/dev/tty');
  if (!isOurs) return true;
  const { terminal } = call.model;
  if (modes === undefined) terminal.foreground = call.view(call.long(2), 4).getInt32(0, true);
  else terminal.modes = { request: modes[1], bytes: call.bytes(call.long(2), modes[0]).slice() };
  return true;
}
