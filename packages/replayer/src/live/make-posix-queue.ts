import type { Tell } from './make-file.js';
import type { OpenFile } from './model/open-file.js';
import type { PosixQueue } from './model/posix-queue.js';
import type { Remote } from './remote.js';

const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NONBLOCK = 0o4000;
const ATTRIBUTES = 64;

/** Makes a queue with what waits in it. Returns a descriptor of it, or a negative errno. */
export function makePosixQueue(
  remote: Remote,
  queue: PosixQueue,
  tell: Tell,
  name = queue.name,
): number {
  const { limits, mode, messages } = queue;
  if (!queue.isOurs)
    tell(`message queue /${name} is older than the recording, or somebody else’s: a copy`);
  const bytes = new Uint8Array(ATTRIBUTES);
  const text = Buffer.from(`${name}\0`);
  if (limits !== undefined) {
    const view = new DataView(bytes.buffer);
    view.setBigInt64(8, limits.messages, true);
    view.setBigInt64(16, limits.size, true);
  }
  const address = remote.put(Buffer.concat([bytes, text]));
  const attributes = limits === undefined ? 0 : address;
  const flags = O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK;
  const fd = remote.call('mq_open', address + ATTRIBUTES, flags, mode, attributes);
  if (fd < 0) return fd;
  // The umask is the program's already.
  remote.call('fchmod', fd, mode);
  for (const { priority, bytes } of messages) {
    const sent = remote.withBytes(bytes, (message) =>
      remote.call('mq_timedsend', fd, message, bytes.length, priority, 0),
    );
    if (sent === 0) continue;
    tell(`message queue /${name}: not all that waits in it has found room (errno ${-sent})`);
    break;
  }
  return fd;
}

/** Opens message queues again: those with a name have been made. */
export class PosixQueueOpener {
  /** Those without a name. */
  private readonly nameless = new Map<PosixQueue, number>();

  constructor(
    private readonly remote: Remote,
    private readonly moveUp: (fd: number) => number,
    private readonly tell: Tell,
  ) {}

  /** Returns its number, or a negative errno. */
  open({ flags }: OpenFile, queue: PosixQueue): number {
    const { remote } = this;
    if (!queue.isRemoved)
      return this.moveUp(remote.call('mq_open', remote.text(queue.name), flags, 0, 0));
    let holder = this.nameless.get(queue);
    if (holder === undefined) {
      const name = `scribe-${remote.tid}`;
      holder = this.moveUp(makePosixQueue(remote, queue, this.tell, name));
      if (holder < 0) return holder;
      remote.call('mq_unlink', remote.text(name));
      this.nameless.set(queue, holder);
    }
    return this.moveUp(remote.call('open', remote.text(`/proc/self/fd/${holder}`), flags, 0));
  }
}
