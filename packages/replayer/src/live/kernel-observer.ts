import { Reg } from '@scribe-ts/core-native';
import type {
  ConnectionFrame,
  ExitFrame,
  ImageFrame,
  LogHeader,
  Mapping,
  SignalFrame,
  SpawnFrame,
  TaskUid,
  Word,
} from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import type { ReplayTask } from '../tasks.js';
import { KernelModel } from './model/kernel-model.js';
import type { CallMemory } from './model/model-call.js';

/** Tells the model what happens in a replay. */
export class KernelObserver {
  readonly model: KernelModel;

  constructor(
    private readonly engine: Engine,
    header: LogHeader,
  ) {
    this.model = new KernelModel(header, (uid) => this.memory(uid));
  }

  begin(task: ReplayTask): void {
    this.model.begin(task.uid, task.recordedTid, task.pid);
  }

  /** The task stands at a call that is about to be applied. */
  arrived(task: ReplayTask, nr: number, args: readonly Word[]): void {
    this.model.arrived(task.uid, nr, args, this.memory(task.uid));
  }

  called(
    task: ReplayTask,
    frame: { readonly nr: number; readonly result: Word; readonly time: number },
    args: readonly Word[],
  ): void {
    const { mapping } = task.details;
    if (mapping !== undefined) this.mapped(mapping.mapping, frame.time);
    this.model.called(task.uid, frame.nr, args, frame.result, frame.time);
  }

  /** The task's next call connects or accepts a socket. */
  connected(task: ReplayTask, frame: ConnectionFrame): void {
    const state = this.model.tasks.get(task.uid);
    if (state !== undefined) state.connection = frame;
  }

  spawned(task: ReplayTask, frame: SpawnFrame, args: readonly Word[], clone3?: DataView): void {
    this.model.spawned(task.uid, frame, args, clone3);
  }

  executed(task: ReplayTask, frame: ImageFrame): void {
    for (const mapping of frame.mappings) this.mapped(mapping, frame.time);
    this.model.executed(task.uid, frame.tid);
  }

  private mapped({ backing }: Mapping, time: number): void {
    if (backing.kind === 'file') this.model.acts?.addMapped(time, backing.path, backing.hash);
  }

  ended(uid: TaskUid, exit?: ExitFrame): void {
    this.model.ended(uid, exit);
  }

  signalled(task: ReplayTask, frame: SignalFrame): void {
    this.model.signalled(task.uid, frame);
  }

  /** The task stands at rt_sigreturn, its registers are loaded. */
  signalReturns(task: ReplayTask): void {
    this.model.signalReturned(task.uid, this.memory(task.uid), this.engine.regs.address(Reg.rsp));
  }

  private memory(uid: TaskUid): CallMemory {
    const { tracer } = this.engine;
    const { tid } = this.engine.tasks.get(uid)!;
    return {
      read: (addr, length) => {
        const bytes = new Uint8Array(length);
        const got = tracer.readMemory(tid, addr, bytes, 0, length);
        return got === length ? bytes : bytes.slice(0, got);
      },
      string: (addr, limit) => Buffer.from(tracer.readString(tid, addr, limit)).toString(),
    };
  }
}
