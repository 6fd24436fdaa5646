import { type Agent, FdUse, outputUse, statFd, Sys } from '@scribe-ts/core-native';
import { isMemoryFile } from '../details.js';
import { type FileInfo, isCharacterDevice, isRegular } from '../files.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import type { AgentSpace } from './space.js';

/** Calls that tell what may be done with the descriptor in their first argument. */
const usesFirst = new Uint8Array(512);
for (const nr of [Sys.read, Sys.pread64, Sys.getdents64, Sys.recvfrom, Sys.recvmsg])
  usesFirst[nr] = FdUse.Read;
for (const nr of [Sys.write, Sys.pwrite64, Sys.sendto, Sys.sendmsg]) usesFirst[nr] = FdUse.Write;

const FIONBIO = 0x5421;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** True if no call on the file waits: then the agent need not find out. */
function isPrompt(tid: number, fd: number, file: FileInfo): boolean {
  return isRegular(file) || ((statFd(tid, fd)?.flags ?? 0) & O_NONBLOCK) !== 0;
}

/** Tells agents what they may do with which descriptor. */
export class AgentDescriptors {
  /** Counts contents that have begun to be followed. */
  private generation = 0;

  constructor(
    private readonly session: Session,
    private readonly agent: Agent,
  ) {
    session.objects.onFile = (key) => this.forgetFiles(key);
  }

  /** A call on the traced path has told what its descriptor is: from now on the agent may do with it what is plain. */
  learn(task: Task): void {
    const space = task.space.agent;
    if (space === undefined || space.files !== task.files) return;
    const { agent } = this;
    const { nr } = task;
    const result = Number(task.result);
    const first = Number(task.args[0]) | 0;
    switch (nr) {
      case Sys.close:
        agent.allow(space.memory, first, FdUse.None);
        return;
      case Sys.dup2:
      case Sys.dup3:
        if (result >= 0) agent.allow(space.memory, result, FdUse.None);
        return;
      case Sys.close_range:
      case Sys.unshare:
        agent.forgetFds(space.memory);
        return;
      case Sys.ioctl:
        if (Number(task.args[1]) === FIONBIO)
          this.changeMode(space, first, this.isSet(task, Number(task.args[2])));
        return;
      case Sys.fcntl:
        if (Number(task.args[1]) === F_SETFL)
          this.changeMode(space, first, (Number(task.args[2]) & O_NONBLOCK) !== 0);
        return;
      case Sys.open:
      case Sys.openat:
        // It may have been ours because of files that nobody has mapped any more.
        if (space.followed.length > 0) this.follow(space);
        this.look(task, space, result);
        return;
    }
    if (usesFirst[nr] !== 0 && result >= 0) this.look(task, space, first);
  }

  /** Whether the int at `addr` is anything but 0; false as well if it cannot be read. */
  private isSet(task: Task, addr: number): boolean {
    const bytes = new Uint8Array(4);
    this.session.tracer.readMemory(task.tid, addr, bytes, 0, bytes.length);
    return bytes.some((byte) => byte !== 0);
  }

  /** O_NONBLOCK is set or cleared; copies of the descriptor have it in common. */
  private changeMode(space: AgentSpace, fd: number, nonBlocking: boolean): void {
    if (nonBlocking) this.agent.allow(space.memory, fd, FdUse.None);
    else this.agent.forgetFds(space.memory);
  }

  /** The agent may do with a descriptor what is plain. */
  private look(task: Task, space: AgentSpace, fd: number): void {
    const { agent, session } = this;
    const { tid } = task;
    if (fd < 0) return;
    const file = task.files.get(tid, fd);
    if (file === undefined) return;
    let use = file.path.startsWith('/proc/') ? FdUse.None : FdUse.Read;
    const target = session.output.target(fd, file);
    const isFollowed =
      isMemoryFile(file.path) || session.objects.find(session, file.key) !== undefined;
    if (!isFollowed && target < 0) use |= FdUse.Write;
    // A terminal has others, who may be stopped for writing.
    if (!isFollowed && target >= 0 && !isCharacterDevice(file)) use |= outputUse(target);
    if (isPrompt(tid, fd, file)) use |= FdUse.Prompt;
    agent.allow(space.memory, fd, use);
  }

  /** Tells the agent which files are followed. */
  follow(space: AgentSpace, fresh?: string): void {
    const { session } = this;
    const files = session.objects.followedFiles(session, fresh);
    if (space.generation === this.generation && space.followed === files.join()) return;
    space.generation = this.generation;
    space.followed = files.join();
    this.agent.reports.follow(space.memory, files, this.generation);
  }

  /** A file's content is followed from now on: no descriptor is plain until it has been looked at again. */
  private forgetFiles(fresh: string): void {
    this.generation++;
    const seen = new Set<AgentSpace>();
    for (const task of this.session.tasks.values()) {
      const space = task.space.agent;
      if (space === undefined || seen.has(space) || task.state === TaskState.Dead) continue;
      seen.add(space);
      this.follow(space, fresh);
      this.agent.forgetFds(space.memory);
    }
  }
}
