/*
 * Runs a command under a seccomp filter that answers EPERM to some system calls.
 *
 * Usage: confine NAME[,NAME...] COMMAND [ARGUMENT...]. The name `container` stands for all that a container engine's
 * default profile refuses to a process without capabilities; clone3 is answered ENOSYS then, and personality refused
 * unless it only asks.
 */
#include "../guests/guest.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ROW(name) {#name, SYS_##name}

static const struct {
  const char *name;
  int number;
} table[] = {
    ROW(ptrace),           ROW(personality),       ROW(perf_event_open), ROW(userfaultfd),     ROW(kcmp),
    ROW(process_vm_readv), ROW(process_vm_writev), ROW(acct),            ROW(add_key),         ROW(bpf),
    ROW(clock_adjtime),    ROW(clock_settime),     ROW(delete_module),   ROW(finit_module),    ROW(get_mempolicy),
    ROW(init_module),      ROW(io_uring_enter),    ROW(io_uring_setup),  ROW(ioperm),          ROW(iopl),
    ROW(kexec_load),       ROW(keyctl),            ROW(mbind),           ROW(mount),           ROW(move_mount),
    ROW(move_pages),       ROW(open_by_handle_at), ROW(open_tree),       ROW(pidfd_getfd),     ROW(pivot_root),
    ROW(quotactl),         ROW(reboot),            ROW(request_key),     ROW(set_mempolicy),   ROW(setns),
    ROW(settimeofday),     ROW(swapon),            ROW(swapoff),         ROW(syslog),          ROW(umount2),
    ROW(unshare),          ROW(vhangup),           ROW(fanotify_init),   ROW(io_uring_register),
};
enum { ROWS = sizeof(table) / sizeof(table[0]) };

/* Those of the table that the profile lets through, since ptrace is allowed. */
static int is_for_tracers(int number) {
  return number == SYS_ptrace || number == SYS_process_vm_readv || number == SYS_process_vm_writev;
}

static struct sock_filter program[4 * ROWS + 32];
static unsigned short length;

static void emit(struct sock_filter instruction) { program[length++] = instruction; }

static void refuse(int number, int error) {
  emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
  emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  char names[256];
  CHECK(strlen(argv[1]) + 3 < sizeof(names));
  snprintf(names, sizeof(names), ",%s,", argv[1]);
  int container = strstr(names, ",container,") != NULL;
  emit((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  for (int i = 0; i < ROWS; i++) {
    char name[64];
    snprintf(name, sizeof(name), ",%s,", table[i].name);
    int listed = container && !is_for_tracers(table[i].number) && table[i].number != SYS_personality;
    if (listed || strstr(names, name) != NULL)
      refuse(table[i].number, EPERM);
  }
  if (container) {
    refuse(SYS_clone3, ENOSYS);
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 4));
    emit((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)));
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0));
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 1, 0));
    emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  struct sock_fprog filter = {.len = length, .filter = program};
  CHECK_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  CHECK_SYS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
  execvp(argv[2], argv + 2);
  guest_fail(__FILE__, __LINE__, argv[2], errno);
}
