import { syscallByName } from '@scribe-ts/tracelog';

/** Calls that change something for good that is not modelled. */
export const LASTING: ReadonlySet<number> = new Set(
  [
    'capset',
    'seccomp',
    'setns',
    'mount',
    'umount2',
    'pivot_root',
    'landlock_restrict_self',
    'personality',
    'sched_setscheduler',
    'sched_setparam',
    'sched_setattr',
    'ioprio_set',
    'mlockall',
    'set_mempolicy',
    'set_mempolicy_home_node',
    'mbind',
    'mq_notify',
    'add_key',
    'lsm_set_self_attr',
    'setfsuid',
    'setfsgid',
    'keyctl',
    'sethostname',
    'setdomainname',
    'io_setup',
  ].map((name) => syscallByName.get(name)!.nr),
);
