import type { Tell } from './make-file.js';
import { type Credentials, message, MESSAGE_OVERHEAD } from './message.js';
import type { Attachment, ByteQueue, Piece } from './model/byte-queue.js';
import type { Datagram } from './model/datagrams.js';
import type { OpenFile } from './model/open-file.js';
import type { Socket } from './model/socket.js';
import { Remote } from './remote.js';

const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const MSG_DONTWAIT = 0x40;
const SO_PASSCRED = '1:16';
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
const EAGAIN = 11;
/** Longest wait for room in a socket, and after how many of them more is asked for. In naps of 1 ms. */
const SEND_NAPS = 1000;
const WIDEN_AFTER = 20;
const NOT_ALL = 'not all that waits in it has found room';
const UNKNOWN = 'what waits in it is not known, and is lost';

/** Puts what waits in a pipe into one that is empty: `fd` is its end for writing, whose flags are to be set afterwards. */
export function fillPipe(remote: Remote, fd: number, queue: ByteQueue, tell: Tell): void {
  const parts: Uint8Array[] = [];
  for (const { bytes } of queue.pieces()) {
    if (bytes === undefined) return tell(UNKNOWN);
    parts.push(bytes);
  }
  remote.call('fcntl', fd, F_SETFL, O_NONBLOCK);
  // Whole pages take least room in a pipe.
  for (const bytes of queue.messages ? parts : [Buffer.concat(parts)])
    for (let at = 0; at < bytes.length; at += Remote.room) {
      const piece = bytes.subarray(at, at + Remote.room);
      if (remote.call('write', fd, remote.put(piece), piece.length) === piece.length) continue;
      tell(NOT_ALL);
      break;
    }
  remote.call('fcntl', fd, F_SETFL, 0);
}

/** Sends what waits in a socket to it once more. */
export class SocketFiller {
  private own: readonly [uid: number, gid: number] | undefined;

  /** `made` gives the number of an open file in the process that sends. */
  constructor(
    private readonly remote: Remote,
    private readonly made: (file: OpenFile) => number | undefined,
    private readonly ownPid: (pid: number) => number,
  ) {}

  /** `fd`: the other end of the socket. */
  fill(fd: number, { queue, options }: Pick<Socket, 'queue' | 'options'>, tell: Tell): void {
    const wantsSender = wantsSenderOf(options);
    const pieces = queue.pieces();
    if (pieces.some(({ bytes }) => bytes === undefined)) return tell(UNKNOWN);
    for (const { bytes, attachment } of queue.messages ? pieces : joined(pieces, wantsSender)) {
      let sent = this.sendWith(fd, bytes!, wantsSender, attachment, tell);
      if (!queue.messages) sent = this.sendRest(fd, bytes!, sent);
      if (sent === bytes!.length) continue;
      tell(NOT_ALL);
      return;
    }
  }

  /** Sends one datagram to an address, `fd` being the socket that sends. */
  sendTo(
    fd: number,
    { bytes, attachment }: Datagram,
    to: Uint8Array,
    { options }: Pick<Socket, 'options'>,
    tell: Tell,
  ): void {
    const sent = this.sendWith(fd, bytes, wantsSenderOf(options), attachment, tell, to);
    if (sent !== bytes.length) tell(`${NOT_ALL}: errno ${-sent}`);
  }

  /** Sends bytes with what goes with them. Returns how many were sent, or a negative errno. */
  private sendWith(
    fd: number,
    bytes: Uint8Array,
    wantsSender: boolean,
    attachment: Attachment | undefined,
    tell: Tell,
    to?: Uint8Array,
  ): number {
    const rights: number[] = [];
    for (const file of attachment?.files ?? []) {
      const number = this.made(file);
      if (number === undefined) tell('a descriptor that waits in it is lost');
      else rights.push(number);
    }
    const credentials = wantsSender && attachment ? this.credentials(attachment) : undefined;
    const sent = this.send(fd, bytes, rights, credentials, to);
    if (sent >= 0 || credentials === undefined) return sent;
    tell(`who has sent what waits in it: process ${credentials[0]} (errno ${-sent})`);
    return this.send(fd, bytes, rights, undefined, to);
  }

  /** What a stream has not taken at once. `sent`: bytes it has taken, or a negative errno. Returns the same. */
  private sendRest(fd: number, bytes: Uint8Array, sent: number): number {
    const { remote } = this;
    const nap = new Int32Array(new SharedArrayBuffer(4));
    let done = sent === -EAGAIN ? 0 : sent;
    for (let i = 0; i < SEND_NAPS && done >= 0 && done < bytes.length; i++) {
      // The kernel makes room in its own time, where it has been told to.
      Atomics.wait(nap, 0, 0, 1);
      if (i === WIDEN_AFTER) {
        const room = remote.words(bytes.length);
        if (remote.call('setsockopt', fd, SOL_SOCKET, SO_SNDBUFFORCE, room, 4) < 0)
          remote.call('setsockopt', fd, SOL_SOCKET, SO_SNDBUF, remote.words(bytes.length), 4);
      }
      const more = this.send(fd, bytes.subarray(done), [], undefined);
      if (more >= 0) done += more;
      else if (more !== -EAGAIN) return more;
    }
    return done;
  }

  /** Returns how many bytes were sent, or a negative errno. */
  private send(
    fd: number,
    bytes: Uint8Array,
    rights: readonly number[],
    credentials: Credentials | undefined,
    to?: Uint8Array,
  ): number {
    const { remote } = this;
    // A message cannot be sent in parts.
    return remote.withMemory(bytes.length + MESSAGE_OVERHEAD, (address) => {
      remote.write(address, message(address, bytes, rights, credentials, to));
      return remote.call('sendmsg', fd, address, MSG_DONTWAIT);
    });
  }

  private credentials({ sender: { pid, uid, gid } }: Attachment): Credentials {
    const { remote } = this;
    this.own ??= [remote.call('getuid'), remote.call('getgid')];
    return [this.ownPid(pid), uid ?? this.own[0], gid ?? this.own[1]];
  }
}

function wantsSenderOf(options: Socket['options']): boolean {
  return (options.get(SO_PASSCRED)?.value[0] ?? 0) !== 0;
}

/** Pieces of a stream with those in one that nobody can tell apart. */
function joined(pieces: readonly Piece[], wantsSender: boolean): Piece[] {
  const result: Piece[] = [];
  const isPlain = ({ attachment }: Piece): boolean => (attachment?.files.length ?? 0) === 0;
  for (const piece of pieces) {
    const last = result.at(-1);
    const isAlike =
      last !== undefined &&
      isPlain(last) &&
      isPlain(piece) &&
      (!wantsSender || last.attachment?.sender.pid === piece.attachment?.sender.pid);
    if (isAlike)
      result[result.length - 1] = { ...last, bytes: Buffer.concat([last.bytes!, piece.bytes!]) };
    else result.push(piece);
  }
  return result;
}
