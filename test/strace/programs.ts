/** Programs that do the same each time, whatever the machine does meanwhile. */

/** C programs of test/strace/programs. */
export const PROGRAMS: readonly string[] = [
  'refusals',
  'sockets',
  'objects',
  'netlink',
  'arguments',
  'refused',
];

/** C programs of test/guests. */
export const GUESTS: readonly string[] = [
  'file_access',
  'file_dup',
  'file_link_rename',
  'file_lseek_hole',
  'file_open_flags',
  'file_record_locks',
  'file_statfs',
  'file_statx',
  'file_truncate_fallocate',
  'ipc_sysv_msg',
  'ipc_sysv_shm',
  'mem_anonymous',
  'mem_madvise',
  'mem_mprotect',
  'mem_mremap',
  'mem_policies',
  'poll_poll_select',
  'proc_limits',
  'signal_action_flags',
  'signal_queue_order',
  'signal_segv_null',
  'sock_scm_rights',
  'sock_unix_dgram',
  'sys_info',
  'sys_sched',
  'time_sleep',
  'tty_pty',
];

/** Shell commands. */
export const COMMANDS: readonly string[] = [
  'ls -l /usr',
  'cat /etc/passwd /none',
  'mkdir -p a/b && touch a/b/c && cp -r a d && mv d e && rm -r e',
  'ln -s x y; readlink y; ln -f /dev/null z; stat -c %s .; chmod 600 .',
  'find /etc/apt -name "*.list"',
  'grep -r root /etc/passwd /etc/group',
  'tar cf x.tar /etc/hostname; tar tf x.tar; gzip -n x.tar; gzip -t x.tar.gz',
  'diff /etc/passwd /etc/group; cmp /etc/passwd /etc/group',
  'sha256sum /etc/passwd; od -c /etc/hostname; cut -d: -f1 /etc/passwd',
  'id; uname -a; date -u -d @0; env',
  'sleep 0.01; seq 5 > f; sort -r f; uniq f; wc f; head -n1 f; tail -n1 f',
  'sed -n 1p /etc/passwd; basename /a/b; printf "%d" 5',
  'kill -9 $$',
  'trap "echo got" USR1; kill -USR1 $$; (exit 3); echo $?',
  'dd if=/dev/zero of=f bs=1k count=3; truncate -s 1M f; du f; stat -fc %T .; sync f',
];
