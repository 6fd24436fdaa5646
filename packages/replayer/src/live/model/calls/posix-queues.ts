import type { ModelCall } from '../model-call.js';
import { OpenFile } from '../open-file.js';
import type { PosixQueue } from '../posix-queue.js';
import type { Handlers } from './handler.js';

const O_CREAT = 0o100;
const O_NONBLOCK = 0o4000;
const O_ACCMODE = 3;
/** Of struct mq_attr. */
const MAXMSG = 8;
const MSGSIZE = 16;

function opened(call: ModelCall): void {
  const flags = call.int(1);
  const queue = call.model.queues.opened(call.string(0));
  if ((flags & O_CREAT) !== 0 && !queue.isOurs) {
    queue.isOurs = true;
    queue.mode = call.int(2) & 0o777 & ~(call.task.directories.umask ?? process.umask());
    if (call.long(3) !== 0) {
      const view = call.view(call.long(3), MSGSIZE + 8);
      const [messages, size] = [view.getBigInt64(MAXMSG, true), view.getBigInt64(MSGSIZE, true)];
      queue.limits = { messages, size };
    }
  }
  const file = new OpenFile({ kind: 'mqueue', queue }, flags & (O_ACCMODE | O_NONBLOCK));
  // Whatever its flags say.
  call.model.install(call, call.result, file, true);
}

function queueOf(call: ModelCall): PosixQueue | undefined {
  const what = call.descriptor(0)?.file.what;
  return what?.kind === 'mqueue' ? what.queue : undefined;
}

/** POSIX message queues. */
export const posixQueueCalls: Handlers = {
  mq_open: opened,
  mq_unlink: (call) => call.model.queues.removed(call.string(0)),
  mq_timedsend: (call) => {
    const bytes = call.bytes(call.long(1), call.long(2)).slice();
    queueOf(call)?.send(call.time, call.int(3) >>> 0, bytes);
  },
  mq_timedreceive: (call) => queueOf(call)?.receive(call.bytes(call.long(1), call.result).slice()),
  mq_getsetattr: (call) => {
    const file = call.descriptor(0)?.file;
    if (file === undefined || call.long(1) === 0) return;
    const flags = Number(call.view(call.long(1), 8).getBigInt64(0, true));
    file.flags = (file.flags & ~O_NONBLOCK) | (flags & O_NONBLOCK);
  },
};
