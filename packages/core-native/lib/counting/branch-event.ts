import { addon } from '../addon.js';
import { type PerfEvent, RAW_EVENT } from './event-counter.js';

/** How a processor counts retired conditional branches. */
export interface BranchEvent {
  /** Tells counts of this event from those of others, which need not agree: `intel 0x1c4`. */
  readonly name: string;
  readonly event: PerfEvent;
  /** How many branches the processor may go on for after an overflow. */
  readonly skid: number;
  /** An event that must never be counted: where it is, counts of branches are too high now and then. */
  readonly forbidden?: PerfEvent;
}

/** Registers of cpuid: eax, ebx, ecx, edx. */
type CpuidAnswer = readonly [number, number, number, number];

/* BR_INST_RETIRED: event 0xc4. Its unit mask for conditional branches has changed twice, and is another one in small cores. */
const INTEL_CONDITIONAL = 0x01c4;
const INTEL_COND = 0x11c4;
/** Bits 40 to 47 are the upper half of the unit mask from there on. */
const INTEL_COND_WIDE = 0x100000011c4;
const INTEL_SMALL_JCC = 0x7ec4;
/** ex_ret_cond. */
const AMD_CONDITIONAL = 0xd1;
/** Retired lock instructions, of the kind SpecLockMapCommit. */
const AMD_SPECULATIVE_LOCKS = 0x0825;

/** Models of family 6 by the event that counts there, since Nehalem. */
const INTEL_MODELS: readonly (readonly [config: number, models: readonly number[]])[] = [
  [
    INTEL_CONDITIONAL,
    [
      // Nehalem, Westmere
      0x1a, 0x1e, 0x1f, 0x2e, 0x25, 0x2c, 0x2f,
      // Sandy Bridge, Ivy Bridge, Haswell, Broadwell
      0x2a, 0x2d, 0x3a, 0x3e, 0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56,
      // Skylake, Cascade Lake, Kaby Lake, Coffee Lake, Comet Lake
      0x4e, 0x5e, 0x55, 0x8e, 0x9e, 0xa5, 0xa6,
    ],
  ],
  [
    INTEL_COND,
    [
      // Ice Lake, Tiger Lake, Rocket Lake
      0x7d, 0x7e, 0x6a, 0x6c, 0x8c, 0x8d, 0xa7,
      // Alder Lake, Raptor Lake, Meteor Lake: large cores
      0x97, 0x9a, 0xb7, 0xba, 0xbf, 0xaa, 0xac,
      // Sapphire Rapids, Emerald Rapids
      0x8f, 0xcf,
    ],
  ],
  // Lunar Lake, Arrow Lake: large cores
  [INTEL_COND_WIDE, [0xbd, 0xc5, 0xc6]],
  // Silvermont, Goldmont, Tremont
  [INTEL_SMALL_JCC, [0x37, 0x4a, 0x4c, 0x4d, 0x5a, 0x5d, 0x5c, 0x5f, 0x7a, 0x86, 0x96, 0x9c]],
];
const INTEL_SKID = 125;
/** Zen's has no known bound: one that was exceeded is found out, as the task has passed its point then. */
const AMD_SKID = 10_000;
/** Families of Zen 1 and 2, 3 and 4, 5. */
const ZEN_FAMILIES: readonly number[] = [0x17, 0x19, 0x1a];

const raw = (config: number): PerfEvent => ({ type: RAW_EVENT, config });

/**
 * The event of this machine's processor; undefined if none is known. `ask`: the cpuid instruction.
 *
 * Conditional branches are what is counted because of all events they alone are exact in the processors that have them:
 * instructions and taken branches are counted once more for interrupts, page faults or the like.
 */
export function branchEvent(
  ask: (leaf: number, subleaf: number) => CpuidAnswer = addon.cpuid,
): BranchEvent | undefined {
  const [, ebx, ecx, edx] = ask(0, 0);
  const vendor = Buffer.from(Uint32Array.of(ebx, edx, ecx).buffer).toString('latin1');
  const [version] = ask(1, 0);
  const base = (version >>> 8) & 0xf;
  const family = base === 0xf ? base + ((version >>> 20) & 0xff) : base;
  const model = ((version >>> 12) & 0xf0) | ((version >>> 4) & 0xf);
  if (vendor === 'AuthenticAMD' && ZEN_FAMILIES.includes(family))
    return {
      name: named('amd', AMD_CONDITIONAL),
      event: raw(AMD_CONDITIONAL),
      skid: AMD_SKID,
      // Zen rolls back what it has done behind a lock, if another CPU wants the line, but not its counters.
      forbidden: raw(AMD_SPECULATIVE_LOCKS),
    };
  if (vendor !== 'GenuineIntel' || family !== 6) return undefined;
  const config = INTEL_MODELS.find(([, models]) => models.includes(model))?.[0];
  if (config === undefined) return undefined;
  return { name: named('intel', config), event: raw(config), skid: INTEL_SKID };
}

function named(vendor: string, config: number): string {
  return `${vendor} 0x${config.toString(16)}`;
}
