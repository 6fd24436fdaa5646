import type { Tell } from './make-file.js';
import type { OpenFile } from './model/open-file.js';
import type { LineDiscipline } from './model/line-discipline.js';
import type { Pty } from './model/pty.js';
import { Remote } from './remote.js';
import { rebuildTerminal } from './terminal.js';

const F_SETFL = 4;
const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const TCSETS = 0x5402;
const TCSETS2 = 0x402c542b;
const TERMIOS = 36;
const TIOCSCTTY = 0x540e;
const TIOCSWINSZ = 0x5414;
const TIOCPKT = 0x5420;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const POLLIN = 1;
/** More than one input is processed in, ms. */
const PATIENCE_MS = 10_000;
const ICANON = 2;
const ECHO = 0o10;
const CC = 17;
const VMIN = 6;
const VEOF = 4;

interface Made {
  readonly master: number;
  /** Own number of /dev/pts/N. */
  readonly number: number;
}

/** Makes pseudo-terminals again, all in one process. */
export class PtyMaker {
  private readonly made = new Map<Pty, Made>();

  /** `moveUp` moves a descriptor out of the program's way. */
  constructor(
    private readonly remote: Remote,
    private readonly moveUp: (fd: number) => number,
  ) {}

  /** Returns the number of an end, or a negative errno. */
  make(file: OpenFile, end: 'master' | 'slave', pty: Pty, tell: Tell): number {
    const { remote } = this;
    const made = this.made.get(pty) ?? this.open(pty, tell);
    if (typeof made === 'number') return made;
    if (end === 'slave') return this.openSlave(made.number, file.flags);
    remote.call('fcntl', made.master, F_SETFL, file.flags);
    return made.master;
  }

  /** All are made: what waits in them, and what they were set to. */
  finish(tell: Tell): void {
    for (const [pty, made] of this.made) this.fill(pty, made, tell);
  }

  /** Gives the sessions that there are their terminals. `leader` finds the process with an id in the recording. */
  control(
    leader: (pid: number) => Remote | undefined,
    ownGroup: (group: number) => number | undefined,
  ): void {
    for (const [pty, { number }] of this.made) {
      const remote = pty.session === undefined ? undefined : leader(pty.session);
      if (remote === undefined) continue;
      const fd = remote.call('open', remote.text(`/dev/pts/${number}`), O_RDWR | O_NOCTTY, 0);
      if (fd < 0) continue;
      remote.call('ioctl', fd, TIOCSCTTY, 0);
      rebuildTerminal(remote, fd, { modes: undefined, foreground: pty.foreground }, ownGroup);
      remote.call('close', fd);
    }
  }

  private openSlave(number: number, flags: number): number {
    const { remote } = this;
    return this.moveUp(remote.call('open', remote.text(`/dev/pts/${number}`), flags | O_NOCTTY, 0));
  }

  /** The kernel takes the lowest number that is free, so others are held until it is the recorded one's turn. */
  private open(pty: Pty, tell: Tell): Made | number {
    const { remote } = this;
    const held: number[] = [];
    let made: Made | number;
    for (;;) {
      const master = this.moveUp(
        remote.call('open', remote.text('/dev/ptmx'), O_RDWR | O_NOCTTY, 0),
      );
      if (master < 0) {
        made = master;
        break;
      }
      remote.call('ioctl', master, TIOCGPTN, remote.words(0));
      const number = remote.int(0);
      made = { master, number };
      if (pty.number === undefined || number >= pty.number) break;
      held.push(master);
    }
    for (const fd of held) remote.call('close', fd);
    if (typeof made === 'number') return made;
    const { master, number } = made;
    if (pty.number !== undefined && number !== pty.number) tell(`it is /dev/pts/${number} now`);
    if (!pty.isLocked || pty.wasOpened) remote.call('ioctl', master, TIOCSPTLCK, remote.words(0));
    this.made.set(pty, made);
    return made;
  }

  private fill(pty: Pty, { master, number }: Made, tell: Tell): void {
    const { remote } = this;
    const discipline = pty.settled();
    const { isUncertain, isAhead, modes } = discipline;
    const request = modes.length > TERMIOS ? TCSETS2 : TCSETS;
    const input = Buffer.concat([discipline.input.bytes, discipline.unfinished]);
    const output = discipline.output.bytes;
    // Those who had read all there was left nothing to be unsure of.
    if (isAhead || (isUncertain && input.length + output.length > 0))
      tell(`what waits in pseudo-terminal ${pty.number}: not known for sure, and lost`);
    else if (pty.wasOpened && input.length + output.length > 0) {
      const slave = this.openSlave(number, O_RDWR | O_NONBLOCK);
      remote.call('ioctl', slave, request, remote.put(plainModes(discipline)));
      if (!this.type(master, input) || !this.print(slave, output))
        tell(`what waits in pseudo-terminal ${pty.number}: not all found room`);
      remote.call('close', slave);
    }
    if (discipline.hasEnd)
      tell(`what waits in pseudo-terminal ${pty.number}: an end of file, which is lost`);
    remote.call('ioctl', master, request, remote.put(modes));
    if (pty.size !== undefined) remote.call('ioctl', master, TIOCSWINSZ, remote.put(pty.size));
    if (pty.packets) remote.call('ioctl', master, TIOCPKT, remote.words(1));
    if (pty.isLocked) remote.call('ioctl', master, TIOCSPTLCK, remote.words(1));
  }

  private print(slave: number, output: Uint8Array): boolean {
    const { remote } = this;
    for (let at = 0; at < output.length; at += Remote.room) {
      const piece = output.subarray(at, at + Remote.room);
      if (remote.call('write', slave, remote.put(piece), piece.length) !== piece.length)
        return false;
    }
    return true;
  }

  /** Its echo tells that the terminal has taken each piece: the kernel does that at its leisure. */
  private type(master: number, input: Uint8Array): boolean {
    const { remote } = this;
    const step = 256;
    for (let at = 0; at < input.length; at += step) {
      const piece = input.subarray(at, at + step);
      if (remote.call('write', master, remote.put(piece), piece.length) !== piece.length)
        return false;
      for (let left = piece.length; left > 0;) {
        const events = remote.words(BigInt(master) | (BigInt(POLLIN) << 32n));
        if (remote.call('poll', events, 1, PATIENCE_MS) !== 1) return false;
        const got = remote.call('read', master, remote.put(new Uint8Array(left)), left);
        if (got <= 0) return false;
        left -= got;
      }
    }
    return true;
  }
}

/** Lets bytes through as they are, with an echo, in lines where it has lines. */
function plainModes({ modes, isCanonical }: LineDiscipline): Uint8Array {
  const plain = modes.slice();
  const view = new DataView(plain.buffer);
  view.setUint32(0, 0, true);
  view.setUint32(4, 0, true);
  view.setUint32(12, ECHO | (isCanonical ? ICANON : 0), true);
  plain.fill(0, CC, TERMIOS);
  if (isCanonical) plain[CC + VEOF] = 0;
  else plain[CC + VMIN] = 1;
  return plain;
}
