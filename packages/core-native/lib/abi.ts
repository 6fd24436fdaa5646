/** Numbers of the x86-64 Linux ABI that recorder and replayer both need. Sources: <asm/unistd_64.h>, <linux/sched.h>, <asm-generic/mman.h>. */

export const Sys = {
  read: 0,
  write: 1,
  open: 2,
  close: 3,
  poll: 7,
  mmap: 9,
  mprotect: 10,
  munmap: 11,
  brk: 12,
  rt_sigaction: 13,
  rt_sigprocmask: 14,
  rt_sigreturn: 15,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  readv: 19,
  getdents64: 217,
  writev: 20,
  sched_yield: 24,
  mremap: 25,
  madvise: 28,
  nanosleep: 35,
  shmget: 29,
  shmat: 30,
  dup2: 33,
  getpid: 39,
  sendfile: 40,
  listen: 50,
  getsockname: 51,
  getpeername: 52,
  setsockopt: 54,
  getsockopt: 55,
  creat: 85,
  clone: 56,
  fork: 57,
  vfork: 58,
  execve: 59,
  exit: 60,
  wait4: 61,
  kill: 62,
  semop: 65,
  shmdt: 67,
  msgsnd: 69,
  msgrcv: 70,
  connect: 42,
  accept: 43,
  sendto: 44,
  recvfrom: 45,
  sendmsg: 46,
  recvmsg: 47,
  fcntl: 72,
  truncate: 76,
  getdents: 78,
  ftruncate: 77,
  ptrace: 101,
  setsid: 112,
  rt_sigtimedwait: 128,
  rt_sigqueueinfo: 129,
  sigaltstack: 131,
  personality: 135,
  prctl: 157,
  arch_prctl: 158,
  gettid: 186,
  tkill: 200,
  futex: 202,
  sched_setaffinity: 203,
  sched_getaffinity: 204,
  remap_file_pages: 216,
  io_getevents: 208,
  set_tid_address: 218,
  restart_syscall: 219,
  semtimedop: 220,
  exit_group: 231,
  clock_nanosleep: 230,
  epoll_wait: 232,
  tgkill: 234,
  waitid: 247,
  prlimit64: 302,
  process_vm_writev: 311,
  openat: 257,
  vmsplice: 278,
  tee: 276,
  getrandom: 318,
  memfd_create: 319,
  openat2: 437,
  epoll_pwait2: 441,
  set_robust_list: 273,
  splice: 275,
  fallocate: 285,
  dup3: 292,
  preadv: 295,
  pwritev: 296,
  epoll_pwait: 281,
  accept4: 288,
  recvmmsg: 299,
  sendmmsg: 307,
  rt_tgsigqueueinfo: 297,
  execveat: 322,
  io_pgetevents: 333,
  copy_file_range: 326,
  preadv2: 327,
  pwritev2: 328,
  pkey_mprotect: 329,
  clone3: 435,
  unshare: 272,
  close_range: 436,
} as const;

export const Clone = {
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  PIDFD: 0x1000,
  PTRACE: 0x2000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x10000,
  NEWNS: 0x20000,
  SYSVSEM: 0x40000,
  SETTLS: 0x80000,
  PARENT_SETTID: 0x100000,
  CHILD_CLEARTID: 0x200000,
  UNTRACED: 0x800000,
  CHILD_SETTID: 0x1000000,
} as const;

export const Prot = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4 } as const;

export const MapFlag = {
  SHARED: 1,
  PRIVATE: 2,
  SHARED_VALIDATE: 3,
  TYPE: 0xf,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  GROWSDOWN: 0x100,
  NORESERVE: 0x4000,
  FIXED_NOREPLACE: 0x100000,
} as const;

/** Of uc_sigmask in the ucontext of a signal frame, which begins where rsp points at rt_sigreturn. */
export const UC_SIGMASK = 296;

export const Mremap = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 } as const;

export const Madvise = {
  DONTNEED: 4,
  FREE: 8,
  REMOVE: 9,
  DONTFORK: 10,
  DOFORK: 11,
  WIPEONFORK: 18,
  KEEPONFORK: 19,
  DONTNEED_LOCKED: 24,
} as const;

export const Signal = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGWINCH: 28,
  SIGSYS: 31,
} as const;

export const Errno = {
  EPERM: 1,
  EINTR: 4,
  EACCES: 13,
  EFAULT: 14,
  ENOEXEC: 8,
  ENODEV: 19,
  EINVAL: 22,
  ENOSYS: 38,
  EINPROGRESS: 115,
} as const;

/** Kernel-internal results of an interrupted call: -512 ERESTARTSYS … -516 ERESTART_RESTARTBLOCK. */
export const ERESTARTSYS = -512;
export const ERESTARTNOHAND = -514;
export const ERESTART_RESTARTBLOCK = -516;

/** True for the kernel-internal results that ask for the call to be made again. */
export function isRestart(result: number | bigint): boolean {
  return result === -512 || result === -513 || result === -514 || result === -516;
}

export const PAGE_SIZE = 4096;

/** Rounds up to whole pages. */
export function pageAlign(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}

/** si_code of a SIGSYS that Syscall User Dispatch has raised. */
export const SYS_USER_DISPATCH = 2;

/**
 * Address range that recorder and replayer keep for themselves in every address space: below the shadow memory of
 * sanitizers, above non-PIE programs. The first page holds a `syscall` instruction for remote calls.
 */
export const RESERVED_START = 0x70000000;
export const RESERVED_END = 0x78000000;
/** Address of the `syscall` instruction for remote calls. */
export const REMOTE_SYSCALL = RESERVED_START;
/** Code in the same page that makes the remote calls of a table (`useTraps`). */
export const REMOTE_LOOP = RESERVED_START + 0x10;
/** Bytes of the page after which strings and buffers for remote calls may be put. */
export const REMOTE_SCRATCH = RESERVED_START + 0x1000;
export const REMOTE_SCRATCH_SIZE = 0x4000;
/** The second half of these bytes is for that table where it is in use. */
export const REMOTE_TABLE_SIZE = 0x2000;
export const REMOTE_TABLE = REMOTE_SCRATCH + REMOTE_SCRATCH_SIZE - REMOTE_TABLE_SIZE;
/**
 * Bytes behind those, for what an execve under way names. A vfork child's is read while its parent, which has the same
 * memory, may go on with remote calls.
 */
export const EXEC_SCRATCH = REMOTE_SCRATCH + REMOTE_SCRATCH_SIZE;
export const EXEC_SCRATCH_SIZE = 0x2000;
/** Where the buffers lie that the kernel fills for calls that wait (see the recorder's moved-buffers.ts). */
export const CALL_SCRATCH = RESERVED_START + 0x4000000;
export const CALL_SCRATCH_END = RESERVED_END;
