import { REMOTE_SCRATCH } from '@scribe-ts/core-native';
import { COURIER } from './live-processes.js';
import { FileMaker, type KnownFile, lockRanges, type Tell } from './make-file.js';
import { FIRST_RIGHT, message } from './message.js';
import type { ByteQueue } from './model/byte-queue.js';
import { isWhole, type Waiting } from './model/connections.js';
import type { DescriptorTable } from './model/descriptor-table.js';
import type { FileLocks } from './model/file-locks.js';
import type { FileKind, OpenFile } from './model/open-file.js';
import type { Remote } from './remote.js';
import { nameOfFile } from './state.js';

const F_DUPFD = 0;
const F_SETFL = 4;
const F_SETLK = 6;
const O_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const LAST_FD = 0xffffffff;
const STANDARD = 3;

/** A message with one descriptor, as calls take it at REMOTE_SCRATCH. */
const withRight = (fd: number): Uint8Array => message(REMOTE_SCRATCH, new Uint8Array(1), [fd]);

const O_ACCMODE = 3;
const READS = 1;
const WRITES = 2;
/** By access mode. */
const ACCESS = [READS, WRITES, READS + WRITES];

/** Names a descriptor in a message. */
const WAITING = 'a descriptor in a message';

/** A table of descriptors, and a process that has it. */
export interface TableHolder {
  readonly remote: Remote;
  readonly table: DescriptorTable;
  /** Process id in the recording. */
  readonly pid: number;
  /** What the process has locked. */
  readonly locks: ReadonlyMap<OpenFile, FileLocks>;
}

/**
 * Makes the open files of all processes again: each once, in the first of them, from where it is handed to the others that
 * have it. So offset and flags are shared by those that shared them.
 */
export class FileRebuilder {
  /** Numbers above those that the programs have: open files while they are made. */
  private readonly base: number;
  readonly maker: FileMaker;
  private readonly made = new Map<OpenFile, number>();

  constructor(
    private readonly holders: readonly TableHolder[],
    nowNs: number,
    ownPid: (pid: number) => number,
    mapped: (name: string) => string | undefined,
    contentOf: (file: OpenFile) => KnownFile | undefined,
    private readonly lost: Tell,
    waiting: readonly Waiting[],
    /** What is not as it was in a file that has been opened, for people. */
    private readonly difference: (file: OpenFile) => string | undefined,
  ) {
    const used = holders.flatMap(({ table }) => [...table.all.keys()]);
    // The courier's numbers are those that are free when it is made.
    this.base = used.reduce((base, fd) => Math.max(base, fd + 1), COURIER[1] + 1);
    const first = holders[0]!.remote;
    const { base } = this;
    this.maker = new FileMaker(first, base, nowNs, ownPid, mapped, contentOf, lost, waiting);
  }

  run(): void {
    const { holders, base } = this;
    for (const { remote } of holders) {
      // Nothing else is open: the standard descriptors, and the courier.
      for (let fd = 0; fd < STANDARD + COURIER.length; fd++) this.moveUp(remote, fd);
    }
    // Before anybody listens where they are connected.
    const files = this.files();
    for (const [file, name] of files) if (isConnected(file)) this.makeOnce(file, name);
    for (const [file, name] of files) this.makeOnce(file, name);
    this.tellLonely();
    this.maker.finish((file) => this.made.get(file));
    for (const holder of holders) this.place(holder);
    this.fillEpollSets();
    for (const { remote } of holders) remote.call('close_range', base, LAST_FD, 0);
    // A process that closes any descriptor of a file lets go of its locks there.
    for (const holder of holders) this.takeLocks(holder);
  }

  /** To a number that is out of the program's way, which is the next one. */
  private moveUp(remote: Remote, fd: number): number {
    const moved = remote.call('fcntl', fd, F_DUPFD, this.base);
    remote.call('close', fd);
    return moved;
  }

  /** Every open file, those in messages that nobody has received yet as well, with a name for people. */
  private files(): ReadonlyMap<OpenFile, string> {
    const found = new Map<OpenFile, string>();
    for (const holder of this.holders)
      for (const [fd, { file }] of holder.table.all)
        if (!found.has(file)) found.set(file, this.nameOf(fd, holder));
    // What they carry themselves is looked at as well: it is found on the way.
    for (const [{ what }] of found)
      for (const file of what.kind === 'socket' ? what.socket.files() : [])
        if (!found.has(file)) {
          found.set(file, WAITING);
          if (file.what.kind === 'epoll' && file.what.watches.size > 0)
            this.lost(`${WAITING} (epoll): it watches nothing any more`);
        }
    return found;
  }

  /** FIFOs whose other end nobody in the recording has open. */
  private tellLonely(): void {
    const ends = new Map<ByteQueue, { access: number; path: string }>();
    for (const { what, flags } of this.made.keys()) {
      if (what.kind !== 'path' || what.fifo === undefined) continue;
      const end = ends.get(what.fifo) ?? { access: 0, path: what.path };
      end.access |= ACCESS[flags & O_ACCMODE] ?? 0;
      ends.set(what.fifo, end);
    }
    for (const { access, path } of ends.values())
      if (access !== READS + WRITES)
        this.lost(`${path}: who ${access === READS ? 'writes to' : 'reads from'} it is gone`);
  }

  /** `name`: of a descriptor of it, for people. */
  private makeOnce(file: OpenFile, name: string): void {
    if (this.made.has(file)) return;
    if (file.what.kind === 'standard') {
      const own = this.base + file.what.number;
      if (file.hasNewFlags) this.holders[0]!.remote.call('fcntl', own, F_SETFL, file.flags);
      this.made.set(file, own);
      return;
    }
    const reasons: string[] = [];
    let made = this.maker.make(file, (text) => reasons.push(text));
    if (made < 0) {
      reasons.splice(1);
      if (reasons.length === 0) reasons.push(`errno ${-made}`);
      made = this.maker.broken(file);
    } else {
      const difference = this.difference(file);
      if (difference !== undefined && reasons.length === 0) reasons.push(difference);
    }
    for (const reason of reasons) this.lost(`${name} (${nameOfFile(file)}): ${reason}`);
    this.made.set(file, made);
  }

  private nameOf(fd: number, { pid }: TableHolder): string {
    return this.holders.length === 1 ? `descriptor ${fd}` : `descriptor ${fd} of process ${pid}`;
  }

  /** Puts every file that a process has at its numbers. */
  private place(holder: TableHolder): void {
    const { remote, table, pid } = holder;
    const there = new Map<OpenFile, number>();
    for (const [fd, { file, closeOnExec }] of table.all) {
      let from = there.get(file);
      if (from === undefined) there.set(file, (from = this.bring(holder, file)));
      const result = remote.call('dup3', from, fd, closeOnExec ? O_CLOEXEC : 0);
      if (result !== fd)
        throw new Error(`cannot make descriptor ${fd} of process ${pid}: errno ${-result}`);
    }
  }

  /** The number that a file has been given in a process, above those of the program. */
  private bring({ remote }: TableHolder, file: OpenFile): number {
    if (file.what.kind === 'standard') return this.base + file.what.number;
    const made = this.made.get(file)!;
    const maker = this.holders[0]!.remote;
    if (remote === maker) return made;
    const [receiver, sender] = COURIER.map((fd) => this.base + fd) as [number, number];
    const sent = maker.call('sendmsg', sender, maker.put(withRight(made)), 0);
    const got = remote.call('recvmsg', receiver, remote.put(withRight(-1)), 0);
    if (sent !== 1 || got !== 1)
      throw new Error(`a descriptor cannot be handed over: errno ${-Math.min(sent, got)}`);
    const fd = remote.int(FIRST_RIGHT);
    return fd >= this.base ? fd : this.moveUp(remote, fd);
  }

  /** Those of fcntl(2) that processes have; those that open files have are taken when these are made. */
  private takeLocks(holder: TableHolder): void {
    const { remote, table, locks } = holder;
    for (const [fd, { file }] of table.all) {
      const held = locks.get(file);
      if (held === undefined) continue;
      const name = `${this.nameOf(fd, holder)} (${nameOfFile(file)})`;
      for (const reason of lockRanges(remote, fd, F_SETLK, held)) this.lost(`${name}: ${reason}`);
    }
  }

  private fillEpollSets(): void {
    const filled = new Set<OpenFile>();
    for (const holder of this.holders)
      for (const [fd, { file }] of holder.table.all) {
        if (file.what.kind !== 'epoll' || filled.has(file)) continue;
        filled.add(file);
        this.fillEpoll(file, file.what, this.nameOf(fd, holder));
      }
  }

  /** An entry is made by a process in which its number still means its file. */
  private fillEpoll(
    set: OpenFile,
    { watches }: Extract<FileKind, { kind: 'epoll' }>,
    name: string,
  ): void {
    for (const { fd, file, events, data } of watches.values()) {
      const event = new DataView(new ArrayBuffer(12));
      event.setUint32(0, events, true);
      event.setBigUint64(4, data, true);
      const isMade = this.holders.some(({ remote, table }) => {
        if (table.get(fd)?.file !== file) return false;
        const own = [...table.all].find(([, entry]) => entry.file === set)?.[0];
        if (own === undefined) return false;
        const address = remote.put(new Uint8Array(event.buffer));
        return remote.call('epoll_ctl', own, EPOLL_CTL_ADD, fd, address) === 0;
      });
      if (!isMade) this.lost(`${name} (epoll): it watches ${fd} no more`);
    }
  }
}

/** A socket whose other end is in the recording. */
function isConnected({ what }: OpenFile): boolean {
  return (
    what.kind === 'socket' &&
    what.socket.connection !== undefined &&
    isWhole(what.socket.connection)
  );
}
