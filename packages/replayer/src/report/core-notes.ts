/** The notes of an ELF core file, as the kernel's fs/binfmt_elf.c lays them out for x86-64. */

const NT_PRSTATUS = 1;
const NT_FPREGSET = 2;
const NT_PRPSINFO = 3;
const NT_AUXV = 6;
const NT_X86_XSTATE = 0x202;
const NT_SIGINFO = 0x53494749;
const NT_FILE = 0x46494c45;

/** sizeof(struct elf_prstatus) and the offsets of pr_cursig, pr_pid, pr_reg and pr_fpvalid. */
const PRSTATUS_SIZE = 336;
const PR_CURSIG = 12;
const PR_PID = 32;
const PR_REG = 112;
const PR_FPVALID = 328;
/** sizeof(struct elf_prpsinfo) and the offsets of pr_sname, pr_pid, pr_fname and pr_psargs. */
const PRPSINFO_SIZE = 136;
const PR_SNAME = 1;
const PR_PSINFO_PID = 24;
const PR_FNAME = 40;
const FNAME_SIZE = 16;
const PR_PSARGS = 56;
const PSARGS_SIZE = 80;
/** The part of an XSAVE area that is struct user_fpregs_struct. */
const FPREGS_SIZE = 512;

export interface CoreThread {
  /** Thread id as the recorded program knew it. */
  readonly tid: number;
  /** user_regs_struct: 216 bytes. */
  readonly regs: Uint8Array;
  /** XSAVE area; empty if it cannot be had. */
  readonly xstate: Uint8Array;
  /** Signal it is stopped by, 0 if none, and its siginfo_t (128 bytes, or empty). */
  readonly signo: number;
  readonly siginfo: Uint8Array;
}

export interface MappedFile {
  readonly start: number;
  readonly end: number;
  /** Bytes. */
  readonly offset: number;
  readonly path: string;
}

export interface CoreProcess {
  readonly pid: number;
  /** Path and arguments of what it runs. */
  readonly path: string;
  readonly argv: readonly string[];
  /** Auxiliary vector as it is in memory, with its AT_NULL; empty if it cannot be found. */
  readonly auxv: Uint8Array;
  readonly files: readonly MappedFile[];
  /** The thread that a debugger shows first comes first. */
  readonly threads: readonly CoreThread[];
}

/** Contents of the PT_NOTE segment. */
export function coreNotes(process: CoreProcess, pageSize: number): Uint8Array {
  const notes: Uint8Array[] = [];
  process.threads.forEach((thread, i) => {
    notes.push(note(NT_PRSTATUS, 'CORE', prstatus(thread)));
    if (i === 0) {
      notes.push(note(NT_PRPSINFO, 'CORE', prpsinfo(process)));
      if (thread.siginfo.length > 0) notes.push(note(NT_SIGINFO, 'CORE', thread.siginfo));
      if (process.auxv.length > 0) notes.push(note(NT_AUXV, 'CORE', process.auxv));
      notes.push(note(NT_FILE, 'CORE', mappedFiles(process.files, pageSize)));
    }
    const { xstate } = thread;
    if (xstate.length < FPREGS_SIZE) return;
    notes.push(note(NT_FPREGSET, 'CORE', xstate.subarray(0, FPREGS_SIZE)));
    if (xstate.length > FPREGS_SIZE) notes.push(note(NT_X86_XSTATE, 'LINUX', xstate));
  });
  return Buffer.concat(notes);
}

function prstatus({ tid, regs, xstate, signo }: CoreThread): Uint8Array {
  const bytes = new Uint8Array(PRSTATUS_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, signo, true);
  view.setInt16(PR_CURSIG, signo, true);
  view.setInt32(PR_PID, tid, true);
  bytes.set(regs, PR_REG);
  view.setInt32(PR_FPVALID, xstate.length < FPREGS_SIZE ? 0 : 1, true);
  return bytes;
}

function prpsinfo({ pid, path, argv }: CoreProcess): Uint8Array {
  const bytes = Buffer.alloc(PRPSINFO_SIZE);
  bytes[PR_SNAME] = 't'.charCodeAt(0);
  bytes.writeInt32LE(pid, PR_PSINFO_PID);
  bytes.write(path.slice(path.lastIndexOf('/') + 1), PR_FNAME, FNAME_SIZE - 1, 'latin1');
  bytes.write(argv.join(' '), PR_PSARGS, PSARGS_SIZE - 1, 'latin1');
  return bytes;
}

/** Count and page size, then start, end and offset in pages of each, then the paths. */
function mappedFiles(files: readonly MappedFile[], pageSize: number): Uint8Array {
  const head = Buffer.alloc(16 + 24 * files.length);
  head.writeBigUInt64LE(BigInt(files.length), 0);
  head.writeBigUInt64LE(BigInt(pageSize), 8);
  files.forEach(({ start, end, offset }, i) => {
    head.writeBigUInt64LE(BigInt(start), 16 + 24 * i);
    head.writeBigUInt64LE(BigInt(end), 24 + 24 * i);
    head.writeBigUInt64LE(BigInt(Math.floor(offset / pageSize)), 32 + 24 * i);
  });
  const paths = files.map(({ path }) => Buffer.from(`${path}\0`));
  return Buffer.concat([head, ...paths]);
}

function note(type: number, name: string, content: Uint8Array): Uint8Array {
  const padded = (size: number): number => Math.ceil(size / 4) * 4;
  const nameSize = name.length + 1;
  const bytes = Buffer.alloc(12 + padded(nameSize) + padded(content.length));
  bytes.writeUInt32LE(nameSize, 0);
  bytes.writeUInt32LE(content.length, 4);
  bytes.writeUInt32LE(type, 8);
  bytes.write(name, 12, 'latin1');
  bytes.set(content, 12 + padded(nameSize));
  return bytes;
}
