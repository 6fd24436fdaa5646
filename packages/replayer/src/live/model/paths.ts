import type { ModelCall } from './model-call.js';

const AT_FDCWD = -100;
const STANDARD = ['stdin', 'stdout', 'stderr'];

/** A path as a call means it, absolute. `directory`: index of the argument with the directory's descriptor. */
export function pathOf(call: ModelCall, index: number, directory?: number): string {
  const path = call.string(index);
  const { directories } = call.task;
  if (path.startsWith('/')) return joined(directories.root, path);
  const fd = directory === undefined ? AT_FDCWD : call.int(directory);
  if (fd === AT_FDCWD) return joined(directories.cwd, path);
  const what = call.task.descriptor(fd)?.file.what;
  return what?.kind === 'path' ? joined(what.path, path) : path;
}

/** The descriptor of its own that a process means by such a path; undefined if it means none. */
export function ownDescriptor(path: string): number | undefined {
  const found = /^\/(?:proc\/self\/fd|dev\/fd)\/(\d+)$|^\/dev\/(stdin|stdout|stderr)$/.exec(path);
  if (found === null) return undefined;
  return found[1] === undefined ? STANDARD.indexOf(found[2]!) : Number(found[1]);
}

/** One path behind another. '..' stays, as what it means depends on symbolic links. */
export function joined(base: string, path: string): string {
  const rest = path
    .replace(/^\/+/, '')
    .replace(/(^|\/)(\.\/+)+/g, '$1')
    .replace(/(^|\/)\.$/, '$1');
  if (rest === '') return base;
  return `${base === '/' ? '' : base.replace(/\/+$/, '')}/${rest}`;
}
