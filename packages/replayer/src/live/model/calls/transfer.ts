import type { ModelCall } from '../model-call.js';
import type { ByteQueue } from '../byte-queue.js';
import type { FileEdit } from '../file-content.js';
import { attachmentOf, destinationOf, MSGHDR, received } from '../messages.js';
import type { FileKind, OpenFile } from '../open-file.js';
import type { Socket } from '../socket.js';
import type { Handlers } from './handler.js';

const O_APPEND = 0o2000;
const PWRITEV2 = 328;
const RWF_APPEND = 0x10;
const RWF_NOAPPEND = 0x20;
const IOVEC = 16;
const SEEK_CUR = 1;
const MSG_PEEK = 2;
const MMSGHDR = 64;
const SIGNALFD_SIGINFO = 128;
const SIGNALFD_PID = 12;
const SIGNALFD_TID = 24;
const SI_TIMER = -2;
const SOCK_DGRAM = 2;

/** Where what is read from a file comes from, if that is inside the recording. */
export function queueToRead({ what }: OpenFile): ByteQueue | undefined {
  if (what.kind === 'pipe') return what.queue;
  if (what.kind === 'path') return what.fifo;
  return what.kind === 'socket' && what.socket.outgoing !== undefined
    ? what.socket.queue
    : undefined;
}

/** Where what is written to a file goes, if that is inside the recording. */
export function queueToWrite({ what }: OpenFile): ByteQueue | undefined {
  if (what.kind === 'pipe') return what.queue;
  if (what.kind === 'path') return what.fifo;
  return what.kind === 'socket' ? what.socket.outgoing : undefined;
}

function hasOffset(what: FileKind): boolean {
  return (what.kind === 'path' && what.fifo === undefined) || what.kind === 'memfd';
}

/** So many bytes have been read at the file's offset. `bytes`: where they have been stored. */
function read(call: ModelCall, index: number, size: number, first?: () => Uint8Array): void {
  const file = call.descriptor(index)?.file;
  if (file === undefined) return;
  const { what } = file;
  // The end of a pseudo-terminal's file is read once, and is gone then.
  if (size === 0 && what.kind !== 'pty' && !isDatagram(file)) return;
  if (what.kind === 'eventfd' && first !== undefined) {
    const value = new DataView(first().slice().buffer).getBigUint64(0, true);
    what.count -= value;
  } else if (what.kind === 'signalfd' && first !== undefined) tookSignals(call, first());
  else if (what.kind === 'timerfd' && first !== undefined) sawTimer(what, first());
  else if (what.kind === 'pty') {
    if (first === undefined) what.pty.happened(call.time, (discipline) => discipline.lose());
    else what.pty.read(what.end, first(), call.time);
  } else if (hasOffset(what)) {
    edit(call, file, { kind: 'move', by: size });
    file.offset.move(call.time, size, call.model.isShared(file));
  } else {
    const datagrams = what.kind === 'socket' ? what.socket.datagrams : undefined;
    if (what.kind === 'socket' && first !== undefined) what.socket.netlink?.received(first());
    const dropped =
      datagrams !== undefined && first !== undefined
        ? datagrams.received(first().slice(), call.time)
        : queueToRead(file)?.read(size);
    if (dropped !== undefined) call.model.delivered(dropped);
  }
}

/** Nothing is a message as well there, and not the end. */
function isDatagram({ what }: OpenFile): boolean {
  return what.kind === 'socket' && what.socket.type === SOCK_DGRAM;
}

/** How often a timer has run out has been read. */
function sawTimer(what: Extract<FileKind, { kind: 'timerfd' }>, bytes: Uint8Array): void {
  if (what.setting === undefined) return;
  if (what.setting.interval === 0) what.setting = undefined;
  else what.setting.seen += Number(new DataView(bytes.slice().buffer).getBigUint64(0, true));
}

/** Structs signalfd_siginfo have been read. */
function tookSignals(call: ModelCall, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + SIGNALFD_SIGINFO <= bytes.length; at += SIGNALFD_SIGINFO) {
    const signo = view.getUint32(at, true);
    const code = view.getInt32(at + 8, true);
    const sender = view.getUint32(at + (code === SI_TIMER ? SIGNALFD_TID : SIGNALFD_PID), true);
    call.model.signals.taken(call.task, signo, call.time, code, sender);
  }
}

function written(
  call: ModelCall,
  index: number,
  size: number,
  bytes?: () => Uint8Array,
  header = 0,
): void {
  const file = call.descriptor(index)?.file;
  if (file === undefined || (size === 0 && !isDatagram(file))) return;
  const { what } = file;
  if (what.kind === 'eventfd' && bytes !== undefined) {
    what.count += new DataView(bytes().slice().buffer).getBigUint64(0, true);
  } else if (what.kind === 'pty') {
    if (bytes === undefined) what.pty.happened(call.time, (discipline) => discipline.lose());
    else what.pty.written(what.end, bytes(), call.time);
  } else if (hasOffset(what)) {
    if (file.content !== undefined) keep(call, file, bytes);
    if (isAppended(call, file)) file.offset.toEnd(call.time);
    else file.offset.move(call.time, size, call.model.isShared(file));
  } else {
    const queue = queueToWrite(file);
    if (queue === undefined) {
      if (what.kind !== 'socket' || bytes === undefined) return;
      what.socket.netlink?.sent(bytes());
      sentDatagram(call, what.socket, bytes, header);
      return;
    }
    const attachment = what.kind === 'socket' ? attachmentOf(call, header) : undefined;
    queue.write(call.time, size, bytes?.().slice(), attachment);
    if (what.kind === 'socket') call.model.connections.sent(what.socket, size);
  }
}

/** A datagram waits where it has been sent to, if that is in the recording. */
function sentDatagram(
  call: ModelCall,
  from: Socket,
  bytes: () => Uint8Array,
  header: number,
): void {
  if (from.datagrams === undefined) return;
  const { model, time } = call;
  const to = destinationOf(call, from, header);
  const target = to === undefined ? undefined : model.datagrams.at(to, from.family);
  if (target === undefined) return;
  const attachment = attachmentOf(call, header);
  const datagram = { time, bytes: bytes().slice(), attachment, from, to: to! };
  if (!target.datagrams!.sent(datagram)) model.delivered(attachment);
}

/** Whether what a call writes comes behind what is there: it may say so itself (pwritev2(2)). */
export function isAppended(call: ModelCall, file: OpenFile): boolean {
  const flags = call.nr === PWRITEV2 ? call.int(5) : 0;
  if ((flags & RWF_NOAPPEND) !== 0) return false;
  return (file.flags & O_APPEND) !== 0 || (flags & RWF_APPEND) !== 0;
}

/** Keeps what has been done to a file that was made in the recording. */
function edit({ model, time }: ModelCall, file: OpenFile, done: FileEdit): void {
  const { content } = file;
  if (content === undefined) return;
  if (model.isShared(file)) content.share();
  content.edit(time, file.offset, done);
}

/** Something has been written at a file's offset. */
function keep(call: ModelCall, file: OpenFile, bytes?: () => Uint8Array): void {
  if (bytes === undefined) return edit(call, file, { kind: 'lose' });
  const appends = isAppended(call, file);
  edit(call, file, { kind: 'write', bytes: bytes(), ...(appends && { at: 'end' }) });
}

/** The same at an offset that the call names. */
function keepAt(call: ModelCall, offset: number, bytes: () => Uint8Array): void {
  const file = call.descriptor(0)?.file;
  if (file?.content === undefined || call.result === 0) return;
  const at = isAppended(call, file) ? 'end' : offset;
  edit(call, file, { kind: 'write', bytes: bytes(), at });
}

/** The first `size` bytes of a vector of buffers. */
function gather(call: ModelCall, vector: number, count: number, size: number): Uint8Array {
  const entries = call.view(vector, count * IOVEC);
  const bytes = new Uint8Array(size);
  let done = 0;
  for (let i = 0; i < count && done < size; i++) {
    const addr = Number(entries.getBigUint64(i * IOVEC, true));
    const length = Math.min(size - done, Number(entries.getBigUint64(i * IOVEC + 8, true)));
    bytes.set(call.bytes(addr, length), done);
    done += length;
  }
  return bytes;
}

/** What a call with a plain buffer has moved. */
export const plainBytes = (call: ModelCall) => (): Uint8Array =>
  call.bytes(call.long(1), call.result);
/** What a call with a vector of buffers has moved. */
export const vectorBytes = (call: ModelCall) => (): Uint8Array =>
  gather(call, call.long(1), call.long(2), call.result);

/** The first `size` bytes of a message. */
function messageBytes(call: ModelCall, header: number, size: number): Uint8Array {
  const view = call.view(header, MSGHDR);
  const vector = Number(view.getBigUint64(16, true));
  return gather(call, vector, Number(view.getBigUint64(24, true)), size);
}

function sentMessage(call: ModelCall, header: number, size: number): void {
  written(call, 0, size, () => messageBytes(call, header, size), header);
}

function receivedMessage(call: ModelCall, header: number, size: number, flags: number): void {
  const what = call.descriptor(0)?.file.what;
  if (what?.kind !== 'socket') return;
  received(call, what.socket, size, header, flags, () => messageBytes(call, header, size));
}

/** The struct mmsghdrs of as many messages as the call has sent or received: address, and bytes of each. */
function* messages(call: ModelCall): Generator<readonly [header: number, size: number]> {
  for (let i = 0; i < call.result; i++) {
    const header = call.long(1) + i * MMSGHDR;
    yield [header, call.view(header + MSGHDR, 4).getUint32(0, true)];
  }
}

function seek(call: ModelCall): void {
  const file = call.descriptor(0)?.file;
  if (file === undefined) return;
  const { offset } = file;
  if (call.int(2) === SEEK_CUR && call.long(1) === 0 && file.what.kind === 'path') {
    const expected = offset.value;
    const isKnown = expected !== 'end' && !call.model.isShared(file);
    if (isKnown && expected !== call.result && call.model.hasPlainOffset(file))
      call.model.contradict(
        call,
        `the offset of ${call.int(0)} was ${call.result}, not ${expected}`,
      );
  }
  edit(call, file, { kind: 'seek', to: call.result });
  offset.set(call.time, call.result);
}

/** A call between two descriptors moves the offsets that no pointer was given for. */
function between(
  call: ModelCall,
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
): void {
  if (fromOffset < 0 || call.long(fromOffset) === 0) read(call, from, call.result);
  if (toOffset < 0 || call.long(toOffset) === 0) written(call, to, call.result);
}

/** The kernel stores where the next read begins into each entry. */
function directoryRead(call: ModelCall): void {
  const file = call.descriptor(0)?.file;
  if (file === undefined || call.result === 0) return;
  const entries = call.view(call.long(1), call.result);
  let last = 0;
  for (let at = 0; at + 18 < call.result;) {
    last = at;
    const length = entries.getUint16(at + 16, true);
    if (length === 0) break;
    at += length;
  }
  file.offset.set(call.time, Number(entries.getBigInt64(last + 8, true)));
}

/** What moves bytes and offsets. */
export const transferCalls: Handlers = {
  read: (call) => read(call, 0, call.result, plainBytes(call)),
  readv: (call) => read(call, 0, call.result, vectorBytes(call)),
  preadv2: (call) => {
    if (call.int(3) === -1) read(call, 0, call.result);
  },
  pwritev2: (call) => {
    if (call.int(3) === -1) written(call, 0, call.result, vectorBytes(call));
    else keepAt(call, call.long(3), vectorBytes(call));
  },
  pwrite64: (call) => keepAt(call, call.long(3), plainBytes(call)),
  pwritev: (call) => keepAt(call, call.long(3), vectorBytes(call)),
  ftruncate: (call) => {
    const file = call.descriptor(0)?.file;
    if (file !== undefined) edit(call, file, { kind: 'resize', size: call.long(1) });
  },
  fallocate: (call) => {
    const file = call.descriptor(0)?.file;
    if (file === undefined) return;
    if (call.int(1) !== 0) edit(call, file, { kind: 'lose' });
    else edit(call, file, { kind: 'extend', size: call.long(2) + call.long(3) });
  },
  write: (call) => written(call, 0, call.result, plainBytes(call)),
  writev: (call) => written(call, 0, call.result, vectorBytes(call)),
  lseek: seek,
  sendfile: (call) => between(call, 1, 2, 0, -1),
  splice: (call) => between(call, 0, 1, 2, 3),
  copy_file_range: (call) => between(call, 0, 1, 2, 3),
  tee: (call) => written(call, 1, call.result),
  vmsplice: (call) => {
    const file = call.descriptor(0)?.file;
    if (file?.what.kind !== 'pipe') return;
    if (file.what.end === 'read') read(call, 0, call.result);
    else written(call, 0, call.result);
  },
  getdents64: directoryRead,
  getdents: (call) => {
    const file = call.descriptor(0)?.file;
    if (file === undefined || call.result === 0) return;
    const entries = call.view(call.long(1), call.result);
    let last = 0;
    for (let at = 0; at + 18 < call.result; at += entries.getUint16(at + 16, true)) last = at;
    file.offset.set(call.time, Number(entries.getBigInt64(last + 8, true)));
  },
  recvfrom: (call) => {
    if ((call.int(3) & MSG_PEEK) !== 0) return;
    const length = Math.min(call.result, call.long(2));
    read(call, 0, call.result, () => call.bytes(call.long(1), length));
  },
  sendto: (call) => written(call, 0, call.result, plainBytes(call)),
  sendmsg: (call) => sentMessage(call, call.long(1), call.result),
  sendmmsg: (call) => {
    for (const [header, size] of messages(call)) sentMessage(call, header, size);
  },
  recvmsg: (call) => receivedMessage(call, call.long(1), call.result, call.int(2)),
  recvmmsg: (call) => {
    for (const [header, size] of messages(call)) receivedMessage(call, header, size, call.int(3));
  },
};
