import type { TaskState } from './process-state.js';

/** What becomes of an option of prctl(2) that sets something for good. */
interface Setting {
  /** Making the call again sets it again; else what is not kept is told by this name. */
  readonly lost?: string;
  /** Children begin with it. */
  readonly inherited?: true;
  /** It is not what it was at the start after an exec. */
  readonly outlivesExec?: true;
}

const KEPT: Setting = { inherited: true, outlivesExec: true };

const SETTINGS: Readonly<Record<number, Setting>> = {
  4: { inherited: true }, // PR_SET_DUMPABLE
  8: { inherited: true }, // PR_SET_KEEPCAPS
  14: { lost: 'PR_SET_TIMING' },
  22: { lost: 'PR_SET_SECCOMP' },
  24: { lost: 'PR_CAPBSET_DROP' },
  26: { lost: 'PR_SET_TSC' },
  28: { lost: 'PR_SET_SECUREBITS' },
  29: KEPT, // PR_SET_TIMERSLACK
  33: KEPT, // PR_MCE_KILL
  35: { lost: 'PR_SET_MM' },
  36: { outlivesExec: true }, // PR_SET_CHILD_SUBREAPER
  38: KEPT, // PR_SET_NO_NEW_PRIVS
  41: KEPT, // PR_SET_THP_DISABLE
  47: { lost: 'PR_CAP_AMBIENT' },
  52: KEPT, // PR_SET_SPECULATION_CTRL
  57: KEPT, // PR_SET_IO_FLUSHER
  59: { lost: 'PR_SET_SYSCALL_USER_DISPATCH' },
  62: { lost: 'PR_SCHED_CORE' },
  65: KEPT, // PR_SET_MDWE
  67: KEPT, // PR_SET_MEMORY_MERGE
  0x59616d61: { lost: 'PR_SET_PTRACER' },
};

/** undefined for an option that sets nothing for good. */
export function settingOf(option: number): Setting | undefined {
  return SETTINGS[option];
}

export const isInherited = (option: number): boolean => SETTINGS[option]?.inherited === true;
export const outlivesExec = (option: number): boolean => SETTINGS[option]?.outlivesExec === true;

/** Gives a task those settings of another one that `passes`. */
export function copySettings(
  from: TaskState,
  to: TaskState,
  passes: (option: number) => boolean,
): void {
  for (const [option, args] of from.settings) if (passes(option)) to.settings.set(option, args);
}
