/*
 * Calls that a recorder or a container may refuse. A program must get an error it can handle, so each errno is
 * printed.
 */
#include "guest.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>

static long show(const char *what, long result) {
  printf("%s: %s errno %d\n", what, result == -1 ? "refused" : "given", result == -1 ? errno : 0);
  return result;
}

int main(void) {
  unsigned char params[256];
  memset(params, 0, sizeof(params));
  long ring = show("io_uring_setup", syscall(425, 4, params));
  if (ring != -1)
    MIX(params);
  show("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC));
  show("userfaultfd, user faults only", syscall(SYS_userfaultfd, O_CLOEXEC | 1));

  struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK,
                                 .exclude_kernel = 1};
  long counter = show("perf_event_open", syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
  uint64_t value = 0;
  if (counter != -1 && read((int)counter, &value, sizeof(value)) == sizeof(value))
    printf("task clock %llu\n", (unsigned long long)value);
  attr.type = PERF_TYPE_HARDWARE;
  attr.config = PERF_COUNT_HW_INSTRUCTIONS;
  show("perf_event_open, hardware", syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));

  show("bpf", syscall(SYS_bpf, 5, params, 72));
  show("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1));
  show("add_key", syscall(SYS_add_key, "user", "guest", "x", 1, -1));
  show("keyctl", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
  show("landlock_create_ruleset", syscall(444, NULL, 0, 1));
  show("seccomp", syscall(SYS_seccomp, 2, 0, &(uint32_t){0x7fff0000}));
  show("syslog", syscall(SYS_syslog, 10, NULL, 0));
  show("mount", syscall(SYS_mount, NULL, "/none/such", NULL, 0, NULL));
  show("setns", syscall(SYS_setns, -1, 0));
  show("modify_ldt", syscall(SYS_modify_ldt, 0, params, sizeof(params)));
  show("iopl", syscall(SYS_iopl, 0));
  show("ioperm", syscall(SYS_ioperm, 0x80, 1, 0));
  show("vmsplice to nothing", syscall(SYS_vmsplice, -1, NULL, 0, 0));
  show("quotactl", syscall(SYS_quotactl, 0x800007 << 8, NULL, 0, params));
  show("statmount", syscall(457, params, params, 256, 0));
  show("listmount", syscall(458, params, params, 8, 0));
  show("cachestat", syscall(451, STDIN_FILENO, params, params + 64, 0));
  show("futex_wake", syscall(454, params, 1, 1, 2));
  show("map_shadow_stack", syscall(453, 0, 4096, 0));
  MIX(params);
  return done();
}
