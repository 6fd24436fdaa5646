/** Numbers that no 64-bit kernel of today implements: the kernel itself answers ENOSYS, and that is recorded. */
import { row, ulong } from './build.js';
import type { SyscallRow } from './types.js';

const names = ['arg1', 'arg2', 'arg3', 'arg4', 'arg5'];

function unimplemented(nr: number, name: string, args: number, groups = ''): SyscallRow {
  return row(
    nr,
    name,
    'data',
    groups,
    'int',
    ...names.slice(0, args).map((argName) => ulong(argName, 'hex')),
  );
}

export const unimplementedRows: readonly SyscallRow[] = [
  unimplemented(156, '_sysctl', 1),
  unimplemented(174, 'create_module', 2),
  unimplemented(177, 'get_kernel_syms', 1),
  unimplemented(178, 'query_module', 5),
  unimplemented(180, 'nfsservctl', 3),
  unimplemented(181, 'getpmsg', 5, 'network'),
  unimplemented(182, 'putpmsg', 5, 'network'),
  unimplemented(183, 'afs_syscall', 5),
  unimplemented(184, 'tuxcall', 3),
  unimplemented(185, 'security', 3),
  unimplemented(205, 'set_thread_area', 1),
  unimplemented(211, 'get_thread_area', 1),
  unimplemented(214, 'epoll_ctl_old', 4),
  unimplemented(215, 'epoll_wait_old', 4),
  unimplemented(236, 'vserver', 5),
];
