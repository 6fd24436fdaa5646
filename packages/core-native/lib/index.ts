import { fileURLToPath } from 'node:url';
import { addon, type Addon } from './addon.js';
import type { NativeTracer } from './binding.js';

export * from './abi.js';
export {
  Agent,
  AGENT_FD_COUNT,
  AgentDetail,
  type Drained,
  FdUse,
  Halt,
  outputUse,
  Shared,
} from './agent.js';
export {
  type AgentConnection,
  numberAgentConnection,
  readAgentConnection,
} from './agent-connections.js';
export { AgentMemory } from './agent-memory.js';
export type { Reported } from './agent-reports.js';
export { BranchBackend, type BranchTracer, PassedPointError } from './counting/branch-backend.js';
export {
  type BranchCounters,
  type CounterSource,
  findBranchCounters,
  machineCounters,
} from './counting/branch-counters.js';
export { type BranchEvent, branchEvent } from './counting/branch-event.js';
export { BranchLoop, type CountedLoop, LoopStop, type LoopTracer } from './counting/branch-loop.js';
export { isBreakpointStop } from './counting/breakpoint.js';
export {
  CHECK_EFFORT,
  checkCounter,
  type CheckEffort,
  type OpenCounter,
} from './counting/check-counter.js';
export {
  type CountedPoint,
  type CounterBackend,
  type CounterKind,
  CounterStop,
} from './counting/counter-backend.js';
export {
  type CodeAt,
  findLoop,
  largeInEachRound,
  type Loop,
  type Placed,
} from './counting/loop.js';
export { MachineCode } from './counting/machine-code.js';
export {
  coveredAt,
  leaveMovedCode,
  moveCode,
  type MovedCode,
  movedSize,
  REACH,
  type Unmoved,
} from './counting/moved-code.js';
export {
  JUMP_SIZE,
  mapRoom,
  type Place,
  placesFor,
  type Room,
  unmapRoom,
} from './counting/room.js';
export type { RoundCode } from './counting/round-code.js';
export { maskWithTrap, type RestingRounds, RoundCounter } from './counting/round-counter.js';
export {
  type EventCounter,
  openEventCounter,
  OVERFLOW_SIGNAL,
  type PerfEvent,
  RAW_EVENT,
} from './counting/event-counter.js';
export { CpuPolicy } from './cpu-policy.js';
export * from './binding.js';
export { ByteReader } from './elf/byte-reader.js';
export {
  ElfFile,
  type ElfSection,
  type ElfSegment,
  PT_GNU_EH_FRAME,
  PT_LOAD,
} from './elf/elf-file.js';
export { readPointer } from './elf/encoded-pointer.js';
export {
  type CommonEntry,
  contentOf,
  ehFrame,
  entryAt,
  type FrameEntry,
  type FrameForm,
  readEntries,
} from './elf/frame-entries.js';
export { isOnePiece, SITE_BYTES } from './holes.js';
export {
  type Patch,
  type PatchedBytes,
  PatchedSpace,
  type SiteKind,
  type TrampolinePage,
} from './patched-space.js';
export { type Range, rangeOfPage } from './code-ranges.js';
export { Patcher, type SiteEntries } from './patcher.js';
export type { CodeMapping } from './site-book.js';
export { type Page, ReadPages } from './read-pages.js';
export * from './registers.js';
export {
  contentEntry,
  REPLAY_CALLS_MADE,
  REPLAY_CONTENTS_MAX,
  REPLAY_ROW_ANSWERED,
  REPLAY_ROW_COUNT,
  REPLAY_ROW_MADE,
  REPLAY_WINDOW,
  ReplayAgent,
} from './replay-agent.js';
export * from './reserved.js';
export { SAVED_REGS } from './saved-registers.js';
export * from './state-saves.js';
export * from './system.js';
export {
  clearStopTraces,
  hashOfPieces,
  hashPiece,
  hashPieces,
  hashVectors,
  sseRegisters,
  SUM_SIZE,
  sumPieces,
} from './user-state.js';
export { waitThrough } from './wait.js';
export * from './x86.js';
export { jumpTo, relocate } from './relocate.js';
export type { FdStat, SocketEnds } from './addon.js';
export { counters } from './counters.js';
export { NativeError } from './errors.js';
export { copyFile, store } from './store.js';
export { startThread } from './thread.js';
export { LeafIndex } from './leaf-index.js';
export { SiteBook } from './site-book.js';
export { SiteIndex } from './site-index.js';
export { TrapIndex } from './trap-index.js';
export { MAX_TRAP_BYTES, type TrapInstruction, trapInstruction } from './trap-instructions.js';
export { CPUID_MISSING, type FileSites, findTraps, makesCode, TrapSites } from './trap-sites.js';

export type Tracer = NativeTracer;
/** Acts on the tasks that the constructing thread traces; make and use it in one thread. */
export const Tracer: new () => Tracer = addon.Tracer;

/**
 * Ends the wait of the tracer with this `interruptToken`, or its next one if it isn't waiting. From any thread; blocks for
 * some microseconds until the waiter has noticed. false if that tracer is gone.
 */
export const interrupt: Addon['interrupt'] = addon.interrupt;

/** The program that replay executes in place of the recorded one: a `syscall; int3` at its entry point. */
export const stubPath = fileURLToPath(new URL('../build/stub', import.meta.url));

/** The program that starts another one under a process id of one's choice: see agent/nest.c. */
export const nestPath = fileURLToPath(new URL('../build/nest', import.meta.url));
