import { FileContent } from '../file-content.js';
import { OpenFile } from '../open-file.js';
import { ownDescriptor, pathOf } from '../paths.js';
import type { ModelCall } from '../model-call.js';
import type { Handlers } from './handler.js';
import { maybeControls } from './terminals.js';

export const O_CLOEXEC = 0o2000000;
const O_WRONLY = 1;
const O_RDWR = 2;
const O_ACCMODE = 3;
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
const MAP_TYPE = 0xf;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;

function opened(call: ModelCall, path: string, flags: number, mode: number): void {
  const { model, task, result } = call;
  model.names.exists(path);
  if ((flags & O_CREAT) !== 0 && path.startsWith('/dev/shm/') && !model.memoryFiles.has(path))
    model.memoryFiles.set(path, mode & ~(task.directories.umask ?? process.umask()));
  const kept = (flags & ~WHILE_OPENING & ~O_CLOEXEC) | O_LARGEFILE;
  const removed = (flags & O_TMPFILE) === O_TMPFILE;
  const file = new OpenFile(model.describePath(task, path, removed), kept);
  if (file.what.kind === 'pty' && file.what.end === 'slave') {
    file.what.pty.wasOpened = true;
    maybeControls(call, file.what.pty, flags);
  }
  const isFifo = file.what.kind === 'path' && file.what.fifo !== undefined;
  const own = ownDescriptor(path);
  const same = own === undefined ? undefined : task.files.get(own)?.file;
  if (!isFifo) file.content = contentOf(call, path, flags, removed, same);
  model.install(call, result, file, (flags & O_CLOEXEC) !== 0);
}

/** What is in a file that has been opened, if that is known: it was made in the recording. */
function contentOf(
  { model, time }: ModelCall,
  path: string,
  flags: number,
  isNameless: boolean,
  same?: OpenFile,
): FileContent | undefined {
  if (isNameless) return new FileContent();
  let content = same === undefined ? model.made.at(path) : same.content;
  content?.share();
  if ((flags & O_TRUNC) !== 0) content?.edit(time, undefined, { kind: 'resize', size: 0 });
  const isNew = (flags & O_CREAT) !== 0 && (flags & (O_EXCL | O_TRUNC)) !== 0;
  if (content === undefined && isNew && !isKernels(path))
    model.made.made(path, time, (content = new FileContent()));
  return content;
}

/** Whether what is there is no file that is what was written to it. */
const isKernels = (path: string): boolean => /^\/(proc|dev(?!\/shm\/)|sys)\//.test(path);

function made({ model }: ModelCall, path: string, mode: number): void {
  if ((mode & S_IFMT) === S_IFIFO) model.fifos.made(path);
}

/** What is stored in memory reaches the file without a call. */
function mapped(call: ModelCall): void {
  const flags = call.int(3);
  if ((flags & MAP_ANONYMOUS) !== 0) return;
  const file = call.descriptor(4)?.file;
  if (
    (flags & MAP_TYPE) !== MAP_PRIVATE &&
    file !== undefined &&
    (file.flags & O_ACCMODE) === O_RDWR
  )
    file.content?.edit(call.time, file.offset, { kind: 'lose' });
}

/** What opens files by their paths, and what becomes of the paths. */
export const openCalls: Handlers = {
  open: (call) => opened(call, pathOf(call, 0), call.int(1), call.int(2)),
  openat: (call) => opened(call, pathOf(call, 1, 0), call.int(2), call.int(3)),
  openat2: (call) => {
    const how = call.view(call.long(2), 16);
    const flags = Number(how.getBigUint64(0, true));
    opened(call, pathOf(call, 1, 0), flags, Number(how.getBigUint64(8, true)));
  },
  creat: (call) => opened(call, pathOf(call, 0), O_WRONLY | O_CREAT | O_TRUNC, call.int(1)),
  open_by_handle_at: (call) => {
    const what = { kind: 'other', what: 'a file opened by its handle' } as const;
    const flags = call.int(2);
    const file = new OpenFile(what, flags & ~WHILE_OPENING & ~O_CLOEXEC);
    call.model.install(call, call.result, file, (flags & O_CLOEXEC) !== 0);
  },
  mmap: mapped,
  mkdir: (call) => call.model.made.made(pathOf(call, 0), call.time),
  mkdirat: (call) => call.model.made.made(pathOf(call, 1, 0), call.time),
  mknod: (call) => made(call, pathOf(call, 0), call.int(1)),
  mknodat: (call) => made(call, pathOf(call, 1, 0), call.int(2)),
  truncate: (call) =>
    call.model.made
      .at(pathOf(call, 0))
      ?.edit(call.time, undefined, { kind: 'resize', size: call.long(1) }),
  unlink: (call) => call.model.pathRemoved(pathOf(call, 0), call.time),
  rmdir: (call) => call.model.pathRemoved(pathOf(call, 0), call.time),
  unlinkat: (call) => {
    if ((call.int(2) & AT_REMOVEDIR) === 0 || call.string(1) !== '')
      call.model.pathRemoved(pathOf(call, 1, 0), call.time);
  },
  rename: (call) => call.model.pathRenamed(pathOf(call, 0), pathOf(call, 1), call.time),
  renameat: (call) => call.model.pathRenamed(pathOf(call, 1, 0), pathOf(call, 3, 2), call.time),
  renameat2: (call) => {
    if ((call.int(4) & RENAME_EXCHANGE) !== 0) return;
    call.model.pathRenamed(pathOf(call, 1, 0), pathOf(call, 3, 2), call.time);
  },
  link: (call) => call.model.pathLinked(pathOf(call, 0), pathOf(call, 1), call.time),
  linkat: (call) => {
    const path = call.string(1);
    const isDescriptor = path === '' && (call.int(4) & AT_EMPTY_PATH) !== 0;
    if (isDescriptor) {
      const what = call.task.descriptor(call.int(0))?.file.what;
      if (what?.kind === 'path') call.model.fileLinked(what, pathOf(call, 3, 2));
    } else if (/^\/proc\/self\/fd\/\d+$/.test(path)) {
      const what = call.task.descriptor(Number(path.slice(14)))?.file.what;
      if (what?.kind === 'path') call.model.fileLinked(what, pathOf(call, 3, 2));
    } else call.model.pathLinked(pathOf(call, 1, 0), pathOf(call, 3, 2), call.time);
  },
};
