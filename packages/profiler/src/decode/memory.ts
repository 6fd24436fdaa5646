/** Address spaces: protection, kinds of mappings, advice, placement. */
import { choice, field, flags, type Field, type NumberPrinter, flagsNamed } from './flags.js';
import * as names from './names/memory.js';
import { struct, type Structs } from './struct.js';
import { u64 } from './words.js';

const HUGE_SHIFT = 26;
/** log2 of the page size, for MAP_HUGETLB and MFD_HUGETLB. */
export function hugeField(prefix: string): Field {
  return {
    mask: (0x3f << HUGE_SHIFT) >>> 0,
    print: (part) => (part === 0 ? '' : `${part >>> HUGE_SHIFT}<<${prefix}_HUGE_SHIFT`),
  };
}

const MPOL_FLAGS = 0xe000;
const policyFlags = flags(names.MEMPOLICY_FLAGS, '');
const policy = choice(names.MEMPOLICY_MODE);

const mmapProt = flags(names.MMAP_PROT, 'PROT_NONE');
const mmapFlags = flags(names.MAP_FLAGS, '0', field(0xf, names.MAP_TYPE), hugeField('MAP'));

export const memoryFormats: Readonly<Record<string, NumberPrinter>> = {
  mmap_prot: mmapProt,
  mmap_flags: mmapFlags,
  mremap_flags: flags(names.MREMAP_FLAGS),
  madvise: choice(names.MADVISE),
  msync_flags: flags(names.MSYNC_FLAGS),
  mlock_flags: flags(names.MLOCK_FLAGS),
  mlockall_flags: flags(names.MLOCKALL_FLAGS),
  pkey_access: flags(names.PKEY_ACCESS),
  mempolicy_mode: (value) => {
    const rest = policyFlags(value & MPOL_FLAGS);
    return policy((value & ~MPOL_FLAGS) >>> 0) + (rest === '' ? '' : `|${rest}`);
  },
  get_mempolicy_flags: flags(names.GET_MEMPOLICY_FLAGS),
  mbind_flags: flagsNamed('MPOL_', names.MBIND_FLAGS),
};

/** rwxs as /proc/PID/maps has it. */
export function protection(prot: number, shared: boolean): string {
  return (
    ((prot & 1) === 0 ? '-' : 'r') +
    ((prot & 2) === 0 ? '-' : 'w') +
    ((prot & 4) === 0 ? '-' : 'x') +
    (shared ? 's' : 'p')
  );
}

/** As C's %#016lx prints 0. */
const NO_NODES = '0'.repeat(16);

export const memoryStructs: Structs = {
  nodemask: struct(8, (bytes, at, size) => {
    let text = '';
    for (let from = at; from + 8 <= Math.min(at + size, bytes.length); from += 8) {
      const word = u64(bytes, from).toString(16);
      const shown = word === '0' ? NO_NODES : '0x' + word.padStart(NO_NODES.length - 2, '0');
      text += (text === '' ? '' : ', ') + shown;
    }
    return `[${text}]`;
  }),
  cachestat_range: struct(16, (bytes, at) => `{off=${u64(bytes, at)}, len=${u64(bytes, at + 8)}}`),
  cachestat: struct(
    40,
    (bytes, at) =>
      `{nr_cache=${u64(bytes, at)}, nr_dirty=${u64(bytes, at + 8)}, ` +
      `nr_writeback=${u64(bytes, at + 16)}, nr_evicted=${u64(bytes, at + 24)}, ` +
      `nr_recently_evicted=${u64(bytes, at + 32)}}`,
  ),
};
