import type { ModelCall } from './model-call.js';
import { OpenFile } from './open-file.js';
import type { Socket } from './socket.js';

const MSGHDR = 56;
const CMSGHDR = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_PEEK = 2;
const MAX_CONTROL = 0x10000;

interface Messages {
  /** Sent and not yet received: the files of each message. */
  readonly sent: OpenFile[][];
  /** Received in the replay before they were sent: what stands for them meanwhile. */
  readonly owed: OpenFile[][];
}

/** Descriptors that are under way in messages between sockets of the recording. */
export class PassedDescriptors {
  /** By receiver. */
  private readonly messages = new WeakMap<Socket, Messages>();

  /** Descriptors that a message in flight to this socket carries. */
  waiting(socket: Socket): readonly (readonly OpenFile[])[] {
    return this.messages.get(socket)?.sent ?? [];
  }

  /** Whether a socket has received descriptors that were not sent yet. */
  isAhead({ what }: OpenFile): boolean {
    return what.kind === 'socket' && (this.messages.get(what.socket)?.owed.length ?? 0) > 0;
  }

  sent(call: ModelCall): void {
    const numbers = rightsIn(call, call.long(1));
    const what = call.descriptor(0)?.file.what;
    if (numbers.length === 0 || what?.kind !== 'socket' || what.socket.pair === undefined) return;
    const files = numbers.flatMap((fd) => call.task.descriptor(fd)?.file ?? []);
    const { sent, owed } = this.of(what.socket.pair);
    const places = owed.shift();
    if (places === undefined) {
      for (const file of files) file.uses++;
      sent.push(files);
    } else
      for (const [i, place] of places.entries()) call.model.replaceFile(place, files[i] ?? place);
  }

  received(call: ModelCall): void {
    const numbers = rightsIn(call, call.long(1));
    if (numbers.length === 0) return;
    const what = call.descriptor(0)?.file.what;
    const flags = call.int(2);
    const closeOnExec = (flags & MSG_CMSG_CLOEXEC) !== 0;
    let files: readonly OpenFile[];
    if (what?.kind !== 'socket' || what.socket.pair === undefined) {
      files = numbers.map(unknownFile);
    } else {
      const { sent, owed } = this.of(what.socket);
      const peeks = (flags & MSG_PEEK) !== 0;
      const message = peeks ? sent[0] : sent.shift();
      files = message ?? numbers.map(unknownFile);
      if (message === undefined && !peeks) owed.push([...files]);
      else if (message !== undefined && !peeks) for (const file of message) file.uses--;
    }
    for (const [i, fd] of numbers.entries())
      call.model.install(call, fd, files[i] ?? unknownFile(), closeOnExec);
  }

  private of(receiver: Socket): Messages {
    let messages = this.messages.get(receiver);
    if (messages === undefined) {
      messages = { sent: [], owed: [] };
      this.messages.set(receiver, messages);
    }
    return messages;
  }
}

function unknownFile(): OpenFile {
  return new OpenFile({ kind: 'other', what: 'a descriptor passed in a message' }, 2);
}

/** The descriptors in a message's ancillary data. */
function rightsIn(call: ModelCall, message: number): number[] {
  const header = call.view(message, MSGHDR);
  const control = Number(header.getBigUint64(32, true));
  const size = Math.min(Number(header.getBigUint64(40, true)), MAX_CONTROL);
  const numbers: number[] = [];
  if (control === 0 || size < CMSGHDR) return numbers;
  const view = call.view(control, size);
  for (let at = 0; at + CMSGHDR <= size;) {
    const length = Number(view.getBigUint64(at, true));
    if (length < CMSGHDR || at + length > size) break;
    const isRights =
      view.getInt32(at + 8, true) === SOL_SOCKET && view.getInt32(at + 12, true) === SCM_RIGHTS;
    for (let fd = at + CMSGHDR; isRights && fd + 4 <= at + length; fd += 4)
      numbers.push(view.getInt32(fd, true));
    at += Math.ceil(length / 8) * 8;
  }
  return numbers;
}
