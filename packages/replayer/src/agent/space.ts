import { PatchedSpace, type Range, rangeOfPage } from '@scribe-ts/core-native';
import type { StreamCursor } from '@scribe-ts/tracelog';

/** What a window holds before it is known how much of it is used, bytes. */
const FIRST_FILL = 0x1000;

/** What the replay knows of the agent in one address space. */
export class AgentSpace extends PatchedSpace {
  /** The agent's pages are mapped. */
  loaded = false;
  /** Where code lies has changed since the agent was told. */
  codeChanged = true;
  /** How many files the agent has been told of. */
  filesTold = 0;
  /** How often what it was told had changed before. */
  filesChanged = 0;
  /** The agent answers calls. */
  armed = false;
  /** It may have answered calls that the replay has not passed yet. */
  live = false;
  /** The program does something that patched code stands in the way of: traced for good. */
  given = false;
  /** Which part of which chunk is in the window: offsets in the chunk. */
  cursor: StreamCursor | undefined;
  chunk = -1;
  start = 0;
  end = 0;
  /** How much is put into the window the next time, bytes. */
  fill = FIRST_FILL;
  /** Offset in the window when the agent was armed last. */
  armedAt = 0;
  /** Frames that it had replayed when somebody last wanted to know whether it gets on. */
  seen = 0;

  /** Where code of files, patches and trampolines lie. */
  codeRanges(): Range[] {
    const ranges: Range[] = this.code.map(({ start, end }) => [start, end]);
    for (const { start } of this.pages) ranges.push(rangeOfPage(start));
    // Most lie in the code of a few files, one beside the other.
    let last = this.code[0];
    for (const { pieces } of this.patches.values()) {
      for (const { addr, bytes } of pieces) {
        const end = addr + bytes.length;
        if (last !== undefined && last.start <= addr && end <= last.end) continue;
        last = this.codeAt(addr) ?? last;
        if (last === undefined || addr < last.start || end > last.end)
          ranges.push(rangeOfPage(addr), rangeOfPage(end - 1));
      }
    }
    return ranges;
  }

  /** For a child that fork made. */
  clone(): AgentSpace {
    const copy = new AgentSpace();
    copy.copyPatches(this);
    copy.loaded = this.loaded;
    copy.given = this.given;
    copy.codeChanged = this.codeChanged;
    copy.filesTold = this.filesTold;
    copy.filesChanged = this.filesChanged;
    return copy;
  }
}
