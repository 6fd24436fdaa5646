import { syscallByName } from '@scribe-ts/tracelog';
import type { Attachment, Sender } from './byte-queue.js';
import type { ModelCall } from './model-call.js';
import { OpenFile } from './open-file.js';
import type { Socket } from './socket.js';

export const MSGHDR = 56;
const CMSGHDR = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_PEEK = 2;
const MAX_CONTROL = 0x10000;
const O_RDWR = 2;
const MAX_ADDRESS = 128;
const SENDTO = syscallByName.get('sendto')!.nr;

/** What goes with a message that a task sends. `header`: address of its struct msghdr, 0 if it is sent without one. */
export function attachmentOf(call: ModelCall, header: number): Attachment {
  const { uids, gids } = call.task.credentials;
  let sender: Sender = { pid: call.task.process.pid, uid: uids?.[0], gid: gids?.[0] };
  let files: readonly OpenFile[] = [];
  if (header !== 0) {
    const control = readControl(call, header);
    files = control.rights.flatMap((fd) => call.task.descriptor(fd)?.file ?? []);
    sender = control.sender ?? sender;
  }
  for (const file of files) file.uses++;
  return { files, sender };
}

/** A message of `size` bytes has been received: its descriptors are open now. */
export function received(
  call: ModelCall,
  socket: Socket,
  size: number,
  header: number,
  flags: number,
  bytes: () => Uint8Array,
): void {
  const numbers = readControl(call, header).rights;
  const peeks = (flags & MSG_PEEK) !== 0;
  const places = numbers.map(unknownFile);
  const { queue } = socket;
  const isOurs = socket.outgoing !== undefined;
  let attachment: Attachment | undefined;
  if (isOurs) attachment = peeks ? queue.peek() : queue.read(size, places);
  else if (!peeks) {
    attachment = socket.datagrams?.received(bytes(), call.time);
    socket.netlink?.received(bytes());
  }
  const closeOnExec = (flags & MSG_CMSG_CLOEXEC) !== 0;
  for (const [i, fd] of numbers.entries())
    call.model.install(call, fd, attachment?.files[i] ?? places[i]!, closeOnExec);
  if (attachment !== undefined && !peeks) call.model.delivered(attachment);
}

function unknownFile(): OpenFile {
  return new OpenFile({ kind: 'other', what: 'a descriptor passed in a message' }, O_RDWR);
}

/** A message's ancillary data. */
function readControl(
  call: ModelCall,
  message: number,
): { readonly rights: readonly number[]; readonly sender: Sender | undefined } {
  const header = call.view(message, MSGHDR);
  const control = Number(header.getBigUint64(32, true));
  const size = Math.min(Number(header.getBigUint64(40, true)), MAX_CONTROL);
  const rights: number[] = [];
  let sender: Sender | undefined;
  if (control === 0 || size < CMSGHDR) return { rights, sender };
  const view = call.view(control, size);
  for (let at = 0; at + CMSGHDR <= size;) {
    const length = Number(view.getBigUint64(at, true));
    if (length < CMSGHDR || at + length > size) break;
    const data = at + CMSGHDR;
    const type = view.getInt32(at + 8, true) === SOL_SOCKET ? view.getInt32(at + 12, true) : 0;
    if (type === SCM_RIGHTS)
      for (let fd = data; fd + 4 <= at + length; fd += 4) rights.push(view.getInt32(fd, true));
    if (type === SCM_CREDENTIALS && data + 12 <= at + length)
      sender = {
        pid: view.getInt32(data, true),
        uid: view.getInt32(data + 4, true),
        gid: view.getInt32(data + 8, true),
      };
    at += Math.ceil(length / 8) * 8;
  }
  return { rights, sender };
}

/** Where a datagram goes: the address that the call names, or that the socket is connected to. */
export function destinationOf(
  call: ModelCall,
  { peer }: Socket,
  header: number,
): Uint8Array | undefined {
  let [name, size] = [0, 0];
  if (header !== 0) {
    const view = call.view(header, 12);
    [name, size] = [Number(view.getBigUint64(0, true)), view.getUint32(8, true)];
  } else if (call.nr === SENDTO) [name, size] = [call.long(4), call.int(5)];
  return name === 0 ? peer : call.bytes(name, Math.min(size, MAX_ADDRESS)).slice();
}
