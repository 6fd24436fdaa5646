/**
 * Which files a recorded program executed, read, wrote, and looked for in vain.
 *
 *   node examples/dist/file-access.js LOG
 *
 * The log must have the strings that calls take (verbosity letter S, which is in the default).
 */
import { resolve } from 'node:path';
import { type Frame, openLog, type SyscallFrame, syscallByName } from '@scribe-ts/tracelog';

const nr = (name: string): number => syscallByName.get(name)!.nr;
const OPEN = nr('open');
const OPENAT = nr('openat');
const CREAT = nr('creat');
const CHDIR = nr('chdir');

const O_ACCMODE = 3;
const ENOENT = -2;
const AT_FDCWD = -100;
const ACCESS = ['read', 'write', 'read+write', 'none'] as const;

interface TaskView {
  cwd: string;
  /** Last string that the task's coming call takes. */
  path: string;
  /** The directory of the call's descriptor, where its path begins. */
  directory: string;
}

/** Every access, once, as `WHAT PATH`; from oldest to newest. */
export function* fileAccesses(frames: Iterable<Frame>, cwd: string): Generator<string> {
  const tasks = new Map<number, TaskView>();
  const seen = new Set<string>();
  for (const frame of frames) {
    const found = step(frame, viewOf(tasks, frame.task, cwd), tasks);
    if (found === undefined || seen.has(found)) continue;
    seen.add(found);
    yield found;
  }
}

function viewOf(tasks: Map<number, TaskView>, task: number, cwd: string): TaskView {
  let view = tasks.get(task);
  if (view === undefined) tasks.set(task, (view = { cwd, path: '', directory: '' }));
  return view;
}

function step(frame: Frame, view: TaskView, tasks: Map<number, TaskView>): string | undefined {
  switch (frame.type) {
    case 'image':
      return `execute ${frame.path}`;
    case 'spawn':
      tasks.set(frame.child, { ...view });
      return undefined;
    case 'resource':
      if (frame.kind === 'file') view.directory = frame.desc;
      return undefined;
    case 'data':
      view.path = Buffer.from(frame.bytes).toString();
      return undefined;
    case 'syscall': {
      const found = call(frame, view);
      view.path = view.directory = '';
      return found;
    }
    default:
      return undefined;
  }
}

function call(frame: SyscallFrame, view: TaskView): string | undefined {
  switch (frame.nr) {
    case CHDIR:
      if (frame.result === 0) view.cwd = resolve(view.cwd, view.path);
      return undefined;
    case OPEN:
      return opened(frame, resolve(view.cwd, view.path), Number(frame.args[1]));
    case CREAT:
      return opened(frame, resolve(view.cwd, view.path), 1);
    case OPENAT: {
      const atCwd = (Number(frame.args[0]) | 0) === AT_FDCWD;
      const base = atCwd ? view.cwd : view.directory;
      return opened(frame, resolve(base, view.path), Number(frame.args[2]));
    }
    default:
      return undefined;
  }
}

function opened(frame: SyscallFrame, path: string, flags: number): string | undefined {
  if (frame.result === ENOENT) return `missing ${path}`;
  if (frame.result < 0) return `refused ${path}`;
  return `${ACCESS[flags & O_ACCMODE] ?? 'none'} ${path}`;
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: file-access LOG');
  process.exit(2);
}
using log = openLog(path);
for (const access of fileAccesses(log.frames(), log.header.cwd)) console.log(access);
