/**
 * The dynamic loader keeps vector registers on the stack while it looks a function up that is called for the first time. What
 * XSAVEC writes there depends on which components the processor takes to be in use, and of SSE that changes without an
 * instruction of the program's while its registers are zero: a hypervisor that takes the CPU away for a moment does it. So
 * the loader's code is made to write what it would if SSE was in use. What is left on a dead stack is the same in each replay then.
 */
import { PAGE_SIZE } from './abi.js';
import type { NativeTracer } from './binding.js';
import { ElfFile, PT_LOAD } from './elf/elf-file.js';
import { type FilePage, giveBack } from './trap-sites.js';

const PF_X = 1;
const PT_INTERP = 3;
/** The bit of SSE in the set of components that are to be saved. */
const SSE = 2;
/** mxcsr_mask in a task's XSAVE area. */
const MASK_AT = 28;

/**
 * _dl_runtime_resolve_xsavec of glibc, and its form for older processors, up to the instruction itself: `mov eax, mask; xor edx, edx;
 * mov [rsp + 0x250 to 0x278], rdx`. The area begins at rsp + 0x40; rcx, rsi and rdi have been saved.
 */
const BEFORE = Buffer.from(
  `31d2${[0x50, 0x58, 0x60, 0x68, 0x70, 0x78].map((low) => `48899424${low.toString(16)}020000`).join('')}`,
  'hex',
);
const MOV_EAX = 0xb8;
const MOV_EAX_SIZE = 5;
/** `xsavec [rsp + 0x40]` and `xsave [rsp + 0x40]`. */
const SAVES = [Buffer.from('0fc7642440', 'hex'), Buffer.from('0fae642440', 'hex')];
const SAVE_SIZE = 5;

/** What is run in its place, up to the mask of MXCSR. */
const HEAD = Buffer.from(
  [
    '89c6', // mov esi, eax
    '31c0', // xor eax, eax
    '0fae5c2458', // stmxcsr [rsp + 0x58]
    'c744245c', // mov dword [rsp + 0x5c], mask
  ].join(''),
  'hex',
);
/** From there to the saving instruction: the xmm registers are written as zeros first. */
const MIDDLE = Buffer.from(
  [
    '488dbc24e0000000', // lea rdi, [rsp + 0xe0]
    'b920000000', // mov ecx, 32
    'f348ab', // rep stosq
    '89f0', // mov eax, esi
  ].join(''),
  'hex',
);
const TAIL = Buffer.from('48838c244002000002', 'hex'); // or qword [rsp + 0x240], 2
const JUMP_SIZE = 5;
const SAVE_AT = HEAD.length + 4 + MIDDLE.length;
const JUMP_AT = SAVE_AT + SAVE_SIZE + TAIL.length;
const CODE_SIZE = JUMP_AT + JUMP_SIZE;

/** Where a file saves that state: an offset in it, and the end of the code of its segment. */
interface StateSave {
  readonly offset: number;
  readonly instruction: Uint8Array;
  readonly end: number;
}

/** Finds it in a dynamic loader; undefined in any other file, and in loaders that do it otherwise. */
export function findStateSave(path: string): StateSave | undefined {
  const elf = ElfFile.open(path);
  if (elf === undefined) return undefined;
  try {
    if (elf.segments.some(({ type }) => type === PT_INTERP)) return undefined;
    for (const { type, flags, offset, fileSize } of elf.segments) {
      if (type !== PT_LOAD || (flags & PF_X) === 0) continue;
      const read = elf.read(offset, fileSize);
      const code = Buffer.from(read.buffer, read.byteOffset, read.length);
      for (let at = code.indexOf(BEFORE); at >= 0; at = code.indexOf(BEFORE, at + 1)) {
        const start = at - MOV_EAX_SIZE;
        const site = at + BEFORE.length;
        const instruction = code.subarray(site, site + SAVE_SIZE);
        if (start < 0 || code[start] !== MOV_EAX || (code[start + 1]! & SSE) === 0) continue;
        if (!SAVES.some((save) => save.equals(instruction))) continue;
        return { offset: offset + site, instruction, end: offset + fileSize };
      }
    }
    return undefined;
  } catch (error) {
    // A file that is shorter than it says.
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    elf.close();
  }
}

/** A loader's code that has been changed. */
interface Changed {
  readonly instruction: Uint8Array;
  /** What is in its place, and where that leads. */
  readonly jump: Uint8Array;
  readonly room: number;
  /** The pages of both in the file, by address; none if that is not known. */
  readonly pages: ReadonlyMap<number, FilePage>;
}

/** Loaders' saves of vector state, in all processes. */
export class StateSaves {
  private readonly files = new Map<string, StateSave | undefined>();
  /** By the instruction's address. */
  private readonly sites = new Map<number, Changed>();
  /** Somebody has been let go in code of ours, and may be there still. */
  private isUsed = false;

  /**
   * Changes the code of a loader that has just been mapped, [start, end); `path` leads to the content. The code for it comes
   * behind the loader's own, where the last page has room. Returns what has been stored in the task's memory.
   */
  patch(
    tracer: NativeTracer,
    tid: number,
    { start, end }: { readonly start: number; readonly end: number },
    { hash, offset }: { readonly hash: string; readonly offset: number },
    path: string,
  ): { readonly addr: number; readonly bytes: Uint8Array }[] {
    if (!this.files.has(hash)) this.files.set(hash, findStateSave(path));
    const save = this.files.get(hash);
    if (save === undefined) return [];
    const site = save.offset - offset + start;
    const room = save.end - offset + start;
    if (site < start || room < site || room + CODE_SIZE > end) return [];
    const there = new Uint8Array(CODE_SIZE);
    if (tracer.readMemory(tid, room, there, 0, CODE_SIZE) !== CODE_SIZE) return [];
    if (there.some((byte) => byte !== 0)) return [];
    const mask = tracer.getXstate(tid).subarray(MASK_AT, MASK_AT + 4);
    const code = Buffer.concat([
      HEAD,
      mask,
      MIDDLE,
      save.instruction,
      TAIL,
      jump(room + JUMP_AT, site + SAVE_SIZE),
    ]);
    const writes = [
      { addr: room, bytes: new Uint8Array(code) },
      { addr: site, bytes: jump(site, room) },
    ];
    for (const { addr, bytes } of writes) tracer.writeMemory(tid, addr, bytes, 0, bytes.length);
    const pages = new Map(
      [site, room].map((addr) => {
        const page = addr - (addr % PAGE_SIZE);
        return [page, { path, offset: page - start + offset }];
      }),
    );
    this.sites.set(site, { instruction: save.instruction, jump: writes[1]!.bytes, room, pages });
    return writes;
  }

  /** Learns from what `patch` has stored, as a log tells it. */
  learn(addr: number, bytes: Uint8Array): void {
    if (bytes.length !== CODE_SIZE || !HEAD.equals(bytes.subarray(0, HEAD.length))) return;
    const back = new DataView(bytes.buffer, bytes.byteOffset).getInt32(JUMP_AT + 1, true);
    const site = addr + CODE_SIZE + back - SAVE_SIZE;
    const instruction = bytes.slice(SAVE_AT, SAVE_AT + SAVE_SIZE);
    this.sites.set(site, { instruction, jump: jump(site, addr), room: addr, pages: new Map() });
  }

  /**
   * Makes the loader save its state itself again, for a stopped task that can make remote calls and stands at `rip`. `isLast`:
   * no other task lives in its memory.
   */
  restore(tracer: NativeTracer, tid: number, rip: number, isLast: boolean): void {
    const there = new Uint8Array(JUMP_SIZE);
    for (const [site, { instruction, jump, room, pages }] of this.sites) {
      if (rip >= room && rip < room + CODE_SIZE) this.isUsed = true;
      if (tracer.readMemory(tid, site, there, 0, JUMP_SIZE) !== JUMP_SIZE) continue;
      const isChanged = Buffer.compare(there, jump) === 0;
      if (isChanged) tracer.writeMemory(tid, site, instruction, 0, SAVE_SIZE);
      if (!isLast || this.isUsed) continue;
      if (!isChanged && Buffer.compare(there, instruction) !== 0) continue;
      const code = new Uint8Array(HEAD.length);
      tracer.readMemory(tid, room, code, 0, code.length);
      if (!HEAD.equals(code)) continue;
      tracer.writeMemory(tid, room, new Uint8Array(CODE_SIZE), 0, CODE_SIZE);
      for (const [page, file] of pages) giveBack(tracer, tid, page, [file]);
    }
  }
}

/** `jmp rel32`. */
function jump(from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(JUMP_SIZE);
  bytes[0] = 0xe9;
  new DataView(bytes.buffer).setInt32(1, to - (from + JUMP_SIZE), true);
  return bytes;
}
