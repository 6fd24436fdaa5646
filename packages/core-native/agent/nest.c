/* Starts the program that a replay executes with the process id of the recording, in a pid namespace of its own, whose
 * first process takes in orphans. Stays as that program's parent, and ends as it does. Freestanding.
 *
 *   nest PROGRAM PID UID_MAP GID_MAP [OWN PLACE [DIRECTORY UPPER WORK OPTIONS]...]
 *
 * Three processes: this one; the namespace's init, which mounts /proc for it; and PROGRAM. Without the right to make
 * namespaces it makes a user namespace first, with the two maps (lines of /proc/PID/uid_map). System V IPC and message
 * queues are the program's own where the kernel allows that; OWN is flags of unshare(2) for further namespaces, in decimal.
 * Directories that the program is to have for itself are covered by overlays with OPTIONS, whose UPPER and WORK are in
 * memory, mounted at PLACE. Ends with the errno of what failed before PROGRAM ran. */

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/sockios.h>
#include <linux/time_types.h>
#include <linux/wait.h>
#include <sys/syscall.h>

#define ALL_SIGNALS 64
#define SIGSET_SIZE 8
#define BUSY_NS 100000000
/* linux/if.h needs libc's headers, which contradict the kernel's. */
#define AF_INET 2
#define SOCK_DGRAM 2
#define IFF_UP 1
struct interface_flags {
  char name[16];
  short flags;
  char rest[22];
};

static long call(long nr, long a, long b, long c, long d, long e) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
}

static _Noreturn void leave(long status) {
  for (;;) call(SYS_exit_group, status, 0, 0, 0, 0);
}

static void require(long result) {
  if (result < 0) leave(-result);
}

static long length_of(const char *text) {
  long length = 0;
  while (text[length] != 0) length++;
  return length;
}

static void write_file(const char *path, const char *text) {
  const long fd = call(SYS_open, (long)path, O_WRONLY, 0, 0, 0);
  require(fd);
  require(call(SYS_write, fd, (long)text, length_of(text), 0, 0));
  call(SYS_close, fd, 0, 0, 0, 0);
}

static void set_action(int signal, __sighandler_t handler) {
  struct sigaction action = {.sa_handler = handler};
  call(SYS_rt_sigaction, signal, (long)&action, 0, SIGSET_SIZE, 0);
}

/* Exec would take the rights along that the namespace gave: those to choose process ids, and to mount overlays, whose work
 * directories nobody else may enter. They are made ambient, and are taken away before the program lives. */
static void keep_capabilities(void) {
  static const int kept[] = {CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE};
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  require(call(SYS_capget, (long)&header, (long)data, 0, 0, 0));
  for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) data[kept[i] / 32].inheritable |= 1u << kept[i] % 32;
  require(call(SYS_capset, (long)&header, (long)data, 0, 0, 0));
  for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
    require(call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0));
}

static long number_in(const char *text) {
  long number = 0;
  for (; *text != 0; text++) number = number * 10 + (*text - '0');
  return number;
}

/* Without it nothing in a network namespace reaches even itself. Where there is no internet protocol there is no need. */
static void raise_loopback(void) {
  const long fd = call(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0);
  if (fd < 0) return;
  struct interface_flags request = {.name = "lo"};
  if (call(SYS_ioctl, fd, SIOCGIFFLAGS, (long)&request, 0, 0) == 0) {
    request.flags |= IFF_UP;
    call(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&request, 0, 0);
  }
  call(SYS_close, fd, 0, 0, 0, 0);
}

/* `directories`: up to a null pointer, each with where its overlay keeps things, and how it is mounted. */
static void cover_directories(const char *place, char **directories) {
  if (directories[0] == 0) return;
  require(call(SYS_mount, (long)"scribe", (long)place, (long)"tmpfs", MS_NOSUID | MS_NODEV, (long)"mode=0700"));
  for (; directories[0] != 0; directories += 4) {
    require(call(SYS_mkdir, (long)directories[1], 0755, 0, 0, 0));
    require(call(SYS_mkdir, (long)directories[2], 0755, 0, 0, 0));
    require(call(SYS_mount, (long)"scribe", (long)directories[0], (long)"overlay", 0, (long)directories[3]));
  }
}

/* Limits that a new namespace has anew: what the program made under those of the old one must find room. */
#define LIMIT_SIZE 128
static const char *const limit_files[] = {
    "/proc/sys/kernel/shmmax",     "/proc/sys/kernel/shmall",     "/proc/sys/kernel/shmmni",
    "/proc/sys/kernel/sem",        "/proc/sys/kernel/msgmax",     "/proc/sys/kernel/msgmnb",
    "/proc/sys/kernel/msgmni",     "/proc/sys/fs/mqueue/msg_max", "/proc/sys/fs/mqueue/msgsize_max",
    "/proc/sys/fs/mqueue/queues_max",
};
#define LIMITS (sizeof limit_files / sizeof *limit_files)

static void read_limits(char texts[][LIMIT_SIZE]) {
  for (unsigned i = 0; i < LIMITS; i++) {
    const long fd = call(SYS_open, (long)limit_files[i], O_RDONLY, 0, 0, 0);
    const long size = fd < 0 ? 0 : call(SYS_read, fd, (long)texts[i], LIMIT_SIZE - 1, 0, 0);
    texts[i][size < 0 ? 0 : size] = 0;
    if (fd >= 0) call(SYS_close, fd, 0, 0, 0, 0);
  }
}

/* As far as this user may: the defaults are enough for most. */
static void write_limits(char texts[][LIMIT_SIZE]) {
  for (unsigned i = 0; i < LIMITS; i++) {
    const long fd = call(SYS_open, (long)limit_files[i], O_WRONLY, 0, 0, 0);
    if (fd < 0) continue;
    call(SYS_write, fd, (long)texts[i], length_of(texts[i]), 0, 0);
    call(SYS_close, fd, 0, 0, 0, 0);
  }
}

/* In an IPC namespace of its own what the program made can have the ids that it had. A kernel without them does without. */
static long unshare_with_ipc(long wanted) {
  char limits[LIMITS][LIMIT_SIZE];
  read_limits(limits);
  const long result = call(SYS_unshare, wanted | CLONE_NEWIPC, 0, 0, 0, 0);
  if (result == -EINVAL || result == -ENOSPC) return call(SYS_unshare, wanted, 0, 0, 0, 0);
  if (result == 0) write_limits(limits);
  return result;
}

static void enter_namespaces(const char *uid_map, const char *gid_map, long own) {
  const long wanted = CLONE_NEWPID | CLONE_NEWNS | own;
  const long result = unshare_with_ipc(wanted);
  if (result == -EPERM) {
    require(unshare_with_ipc(CLONE_NEWUSER | wanted));
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", uid_map);
    write_file("/proc/self/gid_map", gid_map);
    keep_capabilities();
  } else {
    require(result);
  }
  /* Mounts that are made outside later on still come in; ours do not go out. */
  require(call(SYS_mount, 0, (long)"/", 0, MS_REC | MS_SLAVE, 0));
}

/* Ends when `life` has no writer any more and nobody else is left: its end would be the end of all. */
static _Noreturn void run_init(int ready, int life) {
  call(SYS_mount, (long)"proc", (long)"/proc", (long)"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  /* Not where /proc is covered in parts: it stays the outer one then. */
  call(SYS_write, ready, (long)"r", 1, 0, 0);
  /* Orphans that end are nobody's business. */
  set_action(SIGCHLD, SIG_IGN);
  call(SYS_dup3, life, 3, 0, 0, 0);
  call(SYS_close_range, 0, 2, 0, 0, 0);
  call(SYS_close_range, 4, ~0u, 0, 0, 0);
  char byte;
  while (call(SYS_read, 3, (long)&byte, 1, 0, 0) == -EINTR) {
  }
  while (call(SYS_kill, -1, 0, 0, 0, 0) != -ESRCH) {
    const struct __kernel_timespec pause = {.tv_nsec = BUSY_NS};
    call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0);
  }
  leave(0);
}

static long clone_as(int pid) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  if (pid != 0) {
    args.set_tid = (unsigned long)&pid;
    args.set_tid_size = 1;
  }
  return call(SYS_clone3, (long)&args, sizeof args, 0, 0, 0);
}

/* As a shell ends whose command has ended so. */
static _Noreturn void end_as(int status) {
  const int signal = status & 0x7f;
  if (signal != 0) {
    const unsigned long no_core[2] = {0, 0};
    const unsigned long all = 0;
    call(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, (long)no_core, 0, 0);
    set_action(signal, SIG_DFL);
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, SIGSET_SIZE, 0);
    call(SYS_kill, call(SYS_getpid, 0, 0, 0, 0, 0), signal, 0, 0, 0);
  }
  leave(signal != 0 ? 128 + signal : status >> 8 & 0xff);
}

__attribute__((used)) static _Noreturn void run(long *stack) {
  char **argv = (char **)(stack + 1);
  const int pid = number_in(argv[2]);
  const long own = argv[5] != 0 ? number_in(argv[5]) : 0;
  enter_namespaces(argv[3], argv[4], own);
  if ((own & CLONE_NEWNET) != 0) raise_loopback();
  if (argv[5] != 0) cover_directories(argv[6], argv + 7);
  int ready[2], life[2];
  require(call(SYS_pipe2, (long)ready, O_CLOEXEC, 0, 0, 0));
  require(call(SYS_pipe2, (long)life, O_CLOEXEC, 0, 0, 0));
  const long init = clone_as(0);
  require(init);
  if (init == 0) run_init(ready[1], life[0]);
  call(SYS_close, ready[1], 0, 0, 0, 0);
  char byte;
  while (call(SYS_read, ready[0], (long)&byte, 1, 0, 0) == -EINTR) {
  }
  const long child = clone_as(pid);
  require(child);
  if (child == 0) {
    char *arguments[] = {"replay", 0};
    char *environment[] = {0};
    leave(-call(SYS_execve, (long)argv[1], (long)arguments, (long)environment, 0, 0));
  }
  /* The terminal's signals are for the program, which says what comes of them. */
  for (int signal = 1; signal <= ALL_SIGNALS; signal++)
    if (signal != SIGCHLD) set_action(signal, SIG_IGN);
  call(SYS_close_range, 0, 2, 0, 0, 0);
  int status = 0;
  while (call(SYS_wait4, child, (long)&status, 0, 0, 0) == -EINTR) {
  }
  end_as(status);
}

__asm__(
    ".globl _start\n"
    ".type _start, @function\n"
    "_start:\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call run\n"
    "  hlt\n"
    ".size _start, . - _start\n"
    ".section .note.GNU-stack, \"\", @progbits\n"
    ".text\n");
