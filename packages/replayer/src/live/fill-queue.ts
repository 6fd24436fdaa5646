import { REMOTE_SCRATCH } from '@scribe-ts/core-native';
import type { Tell } from './make-file.js';
import { type Credentials, message, MESSAGE_OVERHEAD } from './message.js';
import type { Attachment, ByteQueue, Piece } from './model/byte-queue.js';
import type { OpenFile } from './model/open-file.js';
import type { Socket } from './model/socket.js';
import { Remote } from './remote.js';

const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const MSG_DONTWAIT = 0x40;
const SO_PASSCRED = '1:16';
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
  fill(fd: number, { queue, options }: Socket, tell: Tell): void {
    const wantsSender = (options.get(SO_PASSCRED)?.value[0] ?? 0) !== 0;
    const pieces = queue.pieces();
    if (pieces.some(({ bytes }) => bytes === undefined)) return tell(UNKNOWN);
    for (const { bytes, attachment } of queue.messages ? pieces : joined(pieces, wantsSender)) {
      const rights: number[] = [];
      for (const file of attachment?.files ?? []) {
        const number = this.made(file);
        if (number === undefined) tell('a descriptor that waits in it is lost');
        else rights.push(number);
      }
      const credentials = wantsSender && attachment ? this.credentials(attachment) : undefined;
      let sent = this.send(fd, bytes!, rights, credentials);
      if (sent < 0 && credentials !== undefined) {
        tell(`who has sent what waits in it: process ${credentials[0]} (errno ${-sent})`);
        sent = this.send(fd, bytes!, rights, undefined);
      }
      if (sent === bytes!.length) continue;
      tell(NOT_ALL);
      return;
    }
  }

  /** Returns how many bytes were sent, or a negative errno. */
  private send(
    fd: number,
    bytes: Uint8Array,
    rights: readonly number[],
    credentials: Credentials | undefined,
  ): number {
    const { remote } = this;
    const size = bytes.length + MESSAGE_OVERHEAD;
    const isSmall = size <= Remote.room;
    // A message cannot be sent in parts.
    const address = isSmall ? REMOTE_SCRATCH : remote.map(size);
    if (address < 0) return address;
    remote.write(address, message(address, bytes, rights, credentials));
    const sent = remote.call('sendmsg', fd, address, MSG_DONTWAIT);
    if (!isSmall) remote.call('munmap', address, size);
    return sent;
  }

  private credentials({ sender: { pid, uid, gid } }: Attachment): Credentials {
    const { remote } = this;
    this.own ??= [remote.call('getuid'), remote.call('getgid')];
    return [this.ownPid(pid), uid ?? this.own[0], gid ?? this.own[1]];
  }
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
