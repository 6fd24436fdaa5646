import { FileContent } from '../file-content.js';
import { OpenFile } from '../open-file.js';
import { pathOf } from '../paths.js';
import type { ModelCall } from '../model-call.js';
import type { Handlers } from './handler.js';

export const O_CLOEXEC = 0o2000000;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
/** Flags that mean nothing once the file is open: O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC. */
const WHILE_OPENING = 0o100 | 0o200 | 0o400 | 0o1000;
const O_LARGEFILE = 0o100000;
const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const O_TMPFILE = 0o20000000;
const AT_EMPTY_PATH = 0x1000;
const AT_REMOVEDIR = 0x200;
const RENAME_EXCHANGE = 2;

function opened(call: ModelCall, path: string, flags: number): void {
  const { model, task, result } = call;
  const kept = (flags & ~WHILE_OPENING & ~O_CLOEXEC) | O_LARGEFILE;
  const removed = (flags & O_TMPFILE) === O_TMPFILE;
  const file = new OpenFile(model.describePath(task, path, removed), kept);
  const isFifo = file.what.kind === 'path' && file.what.fifo !== undefined;
  if (!isFifo) file.content = contentOf(call, path, flags, removed);
  model.install(call, result, file, (flags & O_CLOEXEC) !== 0);
}

/** What is in a file that has been opened, if that is known: it was made in the recording. */
function contentOf(
  { model }: ModelCall,
  path: string,
  flags: number,
  isNameless: boolean,
): FileContent | undefined {
  if (isNameless) return new FileContent();
  let content = model.contents.get(path);
  if ((flags & O_TRUNC) !== 0) content?.resize(0);
  const isNew = (flags & O_CREAT) !== 0 && (flags & (O_EXCL | O_TRUNC)) !== 0;
  if (content === undefined && isNew && !/^\/(proc|dev|sys)\//.test(path))
    model.contents.set(path, (content = new FileContent()));
  return content;
}

function made({ model }: ModelCall, path: string, mode: number): void {
  if ((mode & S_IFMT) === S_IFIFO) model.fifos.made(path);
}

/** What opens files by their paths, and what becomes of the paths. */
export const openCalls: Handlers = {
  open: (call) => opened(call, pathOf(call, 0), call.int(1)),
  openat: (call) => opened(call, pathOf(call, 1, 0), call.int(2)),
  openat2: (call) => {
    const flags = Number(call.view(call.long(2), 8).getBigUint64(0, true));
    opened(call, pathOf(call, 1, 0), flags);
  },
  creat: (call) => opened(call, pathOf(call, 0), O_WRONLY | O_CREAT | O_TRUNC),
  open_by_handle_at: (call) => {
    const what = { kind: 'other', what: 'a file opened by its handle' } as const;
    const flags = call.int(2);
    const file = new OpenFile(what, flags & ~WHILE_OPENING & ~O_CLOEXEC);
    call.model.install(call, call.result, file, (flags & O_CLOEXEC) !== 0);
  },
  mknod: (call) => made(call, pathOf(call, 0), call.int(1)),
  mknodat: (call) => made(call, pathOf(call, 1, 0), call.int(2)),
  truncate: (call) => call.model.contents.get(pathOf(call, 0))?.resize(call.long(1)),
  unlink: (call) => call.model.pathRemoved(pathOf(call, 0)),
  rmdir: (call) => call.model.pathRemoved(pathOf(call, 0)),
  unlinkat: (call) => {
    if ((call.int(2) & AT_REMOVEDIR) === 0 || call.string(1) !== '')
      call.model.pathRemoved(pathOf(call, 1, 0));
  },
  rename: (call) => call.model.pathRenamed(pathOf(call, 0), pathOf(call, 1)),
  renameat: (call) => call.model.pathRenamed(pathOf(call, 1, 0), pathOf(call, 3, 2)),
  renameat2: (call) => {
    if ((call.int(4) & RENAME_EXCHANGE) !== 0) return;
    call.model.pathRenamed(pathOf(call, 1, 0), pathOf(call, 3, 2));
  },
  link: (call) => call.model.pathLinked(pathOf(call, 0), pathOf(call, 1)),
  linkat: (call) => {
    const path = call.string(1);
    const isDescriptor = path === '' && (call.int(4) & AT_EMPTY_PATH) !== 0;
    if (isDescriptor) {
      const what = call.task.descriptor(call.int(0))?.file.what;
      if (what?.kind === 'path') call.model.fileLinked(what, pathOf(call, 3, 2));
    } else if (/^\/proc\/self\/fd\/\d+$/.test(path)) {
      const what = call.task.descriptor(Number(path.slice(14)))?.file.what;
      if (what?.kind === 'path') call.model.fileLinked(what, pathOf(call, 3, 2));
    } else call.model.pathLinked(pathOf(call, 1, 0), pathOf(call, 3, 2));
  },
};
