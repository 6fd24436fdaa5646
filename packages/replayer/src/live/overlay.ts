import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { lookAt } from './compare-file.js';
import { LiveError } from './live-error.js';
import type { Tell } from './make-file.js';
import type { Remote } from './remote.js';

const MS_BIND = 0x1000;
const MS_REC = 0x4000;
const MNT_DETACH = 2;
const ENOENT = 2;
const EXDEV_FREE = 'redirect_dir=on';
const FOR_USERS = 'userxattr';

/** Directories whose files are the kernel's, or memory that others share: they are as they are. */
const OUTSIDE = /^\/(dev|proc|sys)(\/|$)/;

interface Mount {
  readonly path: string;
  readonly isReadOnly: boolean;
}

/**
 * The file system of a program that goes live, laid over the one that is there: everything looks as it is, and what is
 * written goes to a directory of the user's. It is made in the program's own mount namespace by calls of one of its processes.
 */
export class Overlay {
  /** Where the new root is made. */
  private readonly root: string;
  private readonly mounts: Mount[];
  private readonly names = new Set<string>();
  /** What it does not cover, absolute paths. */
  private readonly bare: string[] = [];

  /** Only some users exist in the program's namespace. */
  private readonly isForeign: boolean;

  /** `directory`: absolute and empty. `used`: directories in which the program has changed something. */
  constructor(
    private readonly remote: Remote,
    private readonly directory: string,
    private readonly used: readonly string[],
    private readonly tell: Tell,
  ) {
    this.isForeign = !/^\s*0\s+0\s+4294967295\s*$/.test(
      readFileSync(`/proc/${remote.tid}/uid_map`, 'latin1'),
    );
    this.root = join(directory, 'root');
    this.mounts = readMounts(remote.tid);
  }

  /** Makes it the root of all of the program's processes. `shared`: directories that stay as they are. */
  enter(shared: readonly string[]): void {
    const { remote, root } = this;
    mkdirSync(root);
    this.cover('/');
    for (const path of shared) if (!OUTSIDE.test(path)) this.bind(path, path);
    // The old root goes where the new one is, and away.
    this.require('chdir', remote.call('chdir', remote.text(root)));
    const [here] = remote.texts('.') as [number];
    this.require('pivot_root', remote.call('pivot_root', here, here));
    this.require('umount2', remote.call('umount2', remote.text('.'), MNT_DETACH));
    this.require('chdir', remote.call('chdir', remote.text('/')));
    rmdirSync(root);
  }

  /** Whether what is written there is kept apart. */
  covers(path: string): boolean {
    return !OUTSIDE.test(path) && !this.bare.some((bare) => `${path}/`.startsWith(`${bare}/`));
  }

  /** A directory, and all that is mounted below it. */
  private cover(path: string): void {
    const inner = this.mounts.filter((mount) => isBelow(mount.path, path));
    const result = this.mountOverlay(path, path);
    if (result === 0) {
      for (const mount of inner)
        if (!inner.some((other) => isBelow(mount.path, other.path))) this.place(mount);
      return;
    }
    // In a user namespace what is mounted below may not be uncovered.
    if (inner.length > 0) this.split(path);
    else if (path === '/') throw refused('an overlay', -result);
    // Somebody may have removed it meanwhile.
    else if (result !== -ENOENT) this.leave(path, `errno ${-result}`);
  }

  /** Something that was mounted. */
  private place({ path, isReadOnly }: Mount): void {
    if (OUTSIDE.test(path) || isReadOnly) {
      this.bind(path, path);
      if (isReadOnly) this.bare.push(path);
      return;
    }
    if (isDirectory(path)) {
      this.cover(path);
      return;
    }
    // Nothing can be laid over a single file.
    const copy = join(this.directory, this.nameFor('file', path));
    try {
      copyFileSync(path, copy);
      this.bind(copy, path);
    } catch {
      this.leave(path, 'it cannot be copied');
    }
  }

  /** A directory in which things are mounted: it is made anew, and what is in it is covered one by one. */
  private split(path: string): void {
    const skeleton = join(this.directory, this.nameFor('skeleton', path));
    mkdirSync(skeleton);
    let names: string[];
    try {
      names = readdirSync(path);
    } catch {
      this.leave(path, 'it cannot be read');
      return;
    }
    const directories: string[] = [];
    for (const name of names) {
      const [own, made] = [join(path, name), join(skeleton, name)];
      try {
        const stats = lstatSync(own);
        if (stats.isDirectory()) {
          mkdirSync(made);
          directories.push(own);
        } else if (stats.isSymbolicLink()) symlinkSync(readlinkSync(own), made);
        else if (stats.isFile()) copyFileSync(own, made, constants.COPYFILE_FICLONE);
      } catch {
        // What this user may not read is not there for the program.
      }
    }
    const result = this.mountOverlay(path, skeleton);
    if (result < 0) throw refused('an overlay', -result);
    for (const own of directories) {
      const mount = this.mounts.find((other) => other.path === own);
      if (mount !== undefined) this.place(mount);
      else if (OUTSIDE.test(own)) this.bind(own, own);
      else this.cover(own);
    }
  }

  /** Returns 0 or a negative errno. */
  private mountOverlay(path: string, lower: string): number {
    const { remote } = this;
    const [upper, work] = [this.nameFor('upper', path), this.nameFor('work', path)].map((name) =>
      join(this.directory, name),
    ) as [string, string];
    mkdirSync(work, { recursive: true });
    // It stands for the directory itself.
    mkdirSync(upper, { recursive: true });
    const mode = standsFor(upper, path);
    if (this.isForeign) this.prepareUpper(upper, path);
    let result = 0;
    for (const kind of [EXDEV_FREE, FOR_USERS]) {
      const plain = [lower, upper, work].map((place) => place.replace(/[\\:,]/g, '\\$&'));
      const options = `lowerdir=${plain[0]},upperdir=${plain[1]},workdir=${plain[2]},${kind}`;
      const [name, target, type, data] = remote.texts('scribe', this.at(path), 'overlay', options);
      result = remote.call('mount', name!, target!, type!, 0, data!);
      if (result < 0) continue;
      // The kernel writes to it first, with no more rights than the user has.
      remote.call('chmod', remote.text(this.at(path)), mode);
      return 0;
    }
    // It is tried again in another way.
    this.names.delete(upper.slice(this.directory.length + 1));
    this.names.delete(work.slice(this.directory.length + 1));
    return result;
  }

  /**
   * The kernel copies a directory to the upper one before anything in it is changed, which it refuses for those of users that
   * do not exist in the namespace. So those on the way to where the program writes are made before.
   */
  private prepareUpper(upper: string, path: string): void {
    const made = new Map<string, number>();
    for (const directory of this.used) {
      if (!isBelow(directory, path)) continue;
      const parts = directory.slice(path === '/' ? 1 : path.length + 1).split('/');
      let [own, there] = [upper, path === '/' ? '' : path];
      for (const part of parts) {
        own = join(own, part);
        there = `${there}/${part}`;
        if (made.has(own)) continue;
        if (lookAt(there)?.isDirectory() !== true) break;
        mkdirSync(own, { recursive: true });
        made.set(own, standsFor(own, there));
      }
    }
    for (const [own, mode] of [...made].reverse()) chmodSync(own, mode);
  }

  private bind(from: string, path: string): void {
    const { remote } = this;
    const [source, target] = remote.texts(from, this.at(path));
    const result = remote.call('mount', source!, target!, 0, MS_BIND | MS_REC, 0);
    if (result < 0) this.tell(`${path} is not to be seen: errno ${-result}`);
  }

  /** What cannot be covered. */
  private leave(path: string, why: string): void {
    this.bind(path, path);
    this.bare.push(path);
    this.tell(`what is written in ${path} is written there, to no overlay: ${why}`);
  }

  private at(path: string): string {
    return path === '/' ? this.root : this.root + path;
  }

  /** 'upper' for '/', 'upper-home-me' for '/home/me'. */
  private nameFor(what: string, path: string): string {
    const plain = path === '/' ? what : what + path.replaceAll('/', '-');
    let name = plain;
    for (let n = 2; this.names.has(name); n++) name = `${plain}-${n}`;
    this.names.add(name);
    return name;
  }

  private require(name: string, result: number): void {
    if (result < 0) throw refused(name, -result);
  }
}

/** Makes the directory in which an overlay is kept. Throws LiveError if it is not empty, or cannot be had. */
export function claimDirectory(directory: string): void {
  let names: string[];
  try {
    mkdirSync(directory, { recursive: true });
    names = readdirSync(directory);
  } catch (error) {
    throw new LiveError('NOT_SUPPORTED', `no overlay there: ${(error as Error).message}`);
  }
  if (names.length > 0)
    throw new LiveError('NOT_SUPPORTED', `${directory} is not empty: an overlay needs its own`);
}

function refused(what: string, errno: number): LiveError {
  return new LiveError('NOT_SUPPORTED', `${what} is refused here (errno ${errno})`);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // A mount of somebody else's that does not answer us.
    return true;
  }
}

function isBelow(path: string, directory: string): boolean {
  return path !== directory && path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** Makes a directory stand for another one: its owner, where this user may set that. Returns the permissions that it has to get. */
function standsFor(directory: string, other: string): number {
  const stats = statSync(other, { throwIfNoEntry: false });
  // Gone meanwhile.
  if (stats === undefined) return 0o755;
  const { mode, uid, gid } = stats;
  try {
    chownSync(directory, uid, gid);
  } catch {
    // It is this user's then.
  }
  return mode & 0o7777;
}

/** What a task has mounted, what was mounted last at a place alone. */
function readMounts(tid: number): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const line of readFileSync(`/proc/${tid}/mountinfo`, 'utf8').split('\n')) {
    const fields = line.split(' ');
    if (fields.length < 6) continue;
    const path = fields[4]!.replace(/\\(\d{3})/g, (_, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    );
    mounts.delete(path);
    mounts.set(path, { path, isReadOnly: fields[5]!.split(',').includes('ro') });
  }
  return [...mounts.values()];
}
