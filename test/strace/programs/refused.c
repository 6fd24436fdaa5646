/* Calls that a recording refuses: what they were asked for is printed all the
 * same. */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BAD 977
static void bpf(int cmd, union bpf_attr *attr, unsigned size) {
  syscall(SYS_bpf, cmd, attr, size);
}

int main(void) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_type = BPF_MAP_TYPE_HASH;
  attr.key_size = 4;
  attr.value_size = 8;
  attr.max_entries = 0;
  attr.map_flags = BPF_F_NO_PREALLOC;
  strcpy(attr.map_name, "counts");
  bpf(BPF_MAP_CREATE, &attr, sizeof attr);
  bpf(BPF_MAP_CREATE, &attr, 20);
  bpf(BPF_MAP_CREATE, &attr, 72);
  memset(&attr, 0, sizeof attr);
  attr.map_type = 99;
  attr.inner_map_fd = BAD;
  bpf(BPF_MAP_CREATE, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.map_fd = BAD;
  attr.key = 0x1000;
  attr.value = 0x2000;
  attr.flags = BPF_NOEXIST;
  bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof attr);
  bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof attr);
  bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof attr);
  bpf(BPF_MAP_GET_NEXT_KEY, &attr, sizeof attr);
  bpf(BPF_MAP_LOOKUP_ELEM, &attr, 32);
  bpf(BPF_MAP_DELETE_ELEM, &attr, 16);
  memset(&attr, 0, sizeof attr);
  static struct bpf_insn insns[2] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
                                     {.code = BPF_JMP | BPF_EXIT}};
  attr.prog_type = BPF_PROG_TYPE_KPROBE;
  attr.insn_cnt = 2;
  attr.insns = (unsigned long)insns;
  attr.license = (unsigned long)"GPL";
  attr.log_level = 7;
  attr.log_size = 3;
  attr.kern_version = 0x51234;
  strcpy(attr.prog_name, "probe");
  bpf(BPF_PROG_LOAD, &attr, sizeof attr);
  bpf(BPF_PROG_LOAD, &attr, 48);
  bpf(BPF_PROG_LOAD, &attr, 72);
  memset(&attr, 0, sizeof attr);
  attr.pathname = (unsigned long)"/sys/fs/bpf/none";
  attr.bpf_fd = BAD;
  bpf(BPF_OBJ_PIN, &attr, sizeof attr);
  bpf(BPF_OBJ_GET, &attr, sizeof attr);
  bpf(BPF_OBJ_PIN, &attr, 12);
  memset(&attr, 0, sizeof attr);
  attr.target_fd = BAD;
  attr.attach_bpf_fd = BAD;
  attr.attach_type = BPF_CGROUP_INET_EGRESS;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  bpf(BPF_PROG_ATTACH, &attr, sizeof attr);
  bpf(BPF_PROG_DETACH, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.test.prog_fd = BAD;
  attr.test.repeat = 3;
  bpf(BPF_PROG_TEST_RUN, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.start_id = 0xfffffff;
  bpf(BPF_PROG_GET_NEXT_ID, &attr, sizeof attr);
  bpf(BPF_MAP_GET_NEXT_ID, &attr, sizeof attr);
  bpf(BPF_PROG_GET_FD_BY_ID, &attr, sizeof attr);
  bpf(BPF_MAP_GET_FD_BY_ID, &attr, sizeof attr);
  bpf(BPF_BTF_GET_FD_BY_ID, &attr, sizeof attr);
  bpf(BPF_BTF_GET_NEXT_ID, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.info.bpf_fd = BAD;
  attr.info.info_len = 80;
  attr.info.info = 0x1000;
  bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.query.target_fd = BAD;
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_cnt = 4;
  bpf(BPF_PROG_QUERY, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.raw_tracepoint.name = (unsigned long)"sched_switch";
  attr.raw_tracepoint.prog_fd = BAD;
  bpf(BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.btf = 0;
  attr.btf_size = 5;
  bpf(BPF_BTF_LOAD, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.task_fd_query.pid = 0;
  attr.task_fd_query.fd = BAD;
  bpf(BPF_TASK_FD_QUERY, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.map_fd = BAD;
  bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr, sizeof attr);
  bpf(BPF_MAP_FREEZE, &attr, sizeof attr);
  attr.batch.map_fd = BAD;
  bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof attr);
  bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof attr);
  bpf(BPF_MAP_DELETE_BATCH, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.link_create.prog_fd = BAD;
  attr.link_create.target_fd = BAD;
  attr.link_create.attach_type = BPF_XDP;
  bpf(BPF_LINK_CREATE, &attr, sizeof attr);
  bpf(BPF_LINK_CREATE, &attr, 16);
  bpf(BPF_LINK_UPDATE, &attr, sizeof attr);
  bpf(BPF_LINK_GET_FD_BY_ID, &attr, sizeof attr);
  bpf(BPF_LINK_GET_NEXT_ID, &attr, sizeof attr);
  memset(&attr, 0, sizeof attr);
  attr.enable_stats.type = 77;
  bpf(BPF_ENABLE_STATS, &attr, sizeof attr);
  attr.enable_stats.type = BAD;
  bpf(BPF_ITER_CREATE, &attr, sizeof attr);
  bpf(BPF_LINK_DETACH, &attr, sizeof attr);
  bpf(BPF_PROG_BIND_MAP, &attr, sizeof attr);
  bpf(0x1234, &attr, 16);
  bpf(BPF_MAP_CREATE, NULL, 0);
  bpf(BPF_MAP_CREATE, (void *)1, 16);
  bpf(BPF_MAP_FREEZE, &attr, 0);

  struct perf_event_attr event;
  memset(&event, 0, sizeof event);
  event.type = PERF_TYPE_HARDWARE;
  event.size = sizeof event;
  event.config = PERF_COUNT_HW_INSTRUCTIONS;
  event.disabled = 1;
  event.exclude_kernel = 1;
  event.exclude_hv = 1;
  syscall(SYS_perf_event_open, &event, BAD, 99999, BAD, PERF_FLAG_FD_CLOEXEC);
  event.type = PERF_TYPE_SOFTWARE;
  event.config = PERF_COUNT_SW_CPU_CLOCK;
  event.freq = 1;
  event.sample_freq = 99;
  event.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_CALLCHAIN;
  event.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID;
  event.precise_ip = 2;
  event.inherit = 1;
  event.mmap = 1;
  event.wakeup_events = 1;
  syscall(SYS_perf_event_open, &event, 0, -1, BAD, 0UL);
  event.type = PERF_TYPE_TRACEPOINT;
  event.config = 0xffffff;
  event.freq = 0;
  event.sample_period = 10000;
  event.watermark = 1;
  event.wakeup_watermark = 5;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1, 0UL);
  event.type = PERF_TYPE_HW_CACHE;
  event.config = PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_READ << 8 |
                 PERF_COUNT_HW_CACHE_RESULT_MISS << 16;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1,
          PERF_FLAG_FD_NO_GROUP | PERF_FLAG_FD_OUTPUT);
  event.type = PERF_TYPE_BREAKPOINT;
  event.bp_type = 3;
  event.bp_addr = 0x1234;
  event.bp_len = 4;
  event.config = 0;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1, 0UL);
  event.type = PERF_TYPE_RAW;
  event.config = 0xc0;
  event.config1 = 5;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1, 0UL);
  event.type = 14;
  event.size = 64;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1, 0UL);
  event.size = 0;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1, 0UL);
  event.size = 17;
  syscall(SYS_perf_event_open, &event, -1, 99999, -1, 0UL);
  syscall(SYS_perf_event_open, NULL, -1, 99999, -1, 0UL);
  syscall(SYS_perf_event_open, (void *)1, -1, 99999, -1, 0UL);

  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_ST, 3),
  };
  struct sock_fprog prog = {sizeof filter / sizeof *filter, filter};
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0x4000, &prog);
  syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 5, NULL);
  unsigned action = SECCOMP_RET_TRACE;
  syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action);
  syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &action);
  syscall(SYS_seccomp, 77, 1, &action);

  struct io_uring_params params;
  memset(&params, 0, sizeof params);
  params.flags = IORING_SETUP_SQPOLL | IORING_SETUP_CQSIZE;
  params.sq_thread_idle = 100;
  params.cq_entries = 3;
  params.sq_thread_cpu = 0;
  syscall(SYS_io_uring_setup, 0, &params);
  params.flags = IORING_SETUP_ATTACH_WQ;
  params.wq_fd = BAD;
  syscall(SYS_io_uring_setup, 4096 * 100, &params);
  syscall(SYS_io_uring_setup, 1, NULL);
  unsigned long context = 0;
  syscall(SYS_io_setup, 0, &context);
  long one = 0;
  syscall(SYS_userfaultfd, 0x12345678);
  syscall(SYS_ptrace, PTRACE_ATTACH, 999999, 0, 0);
  syscall(SYS_ptrace, PTRACE_CONT, 999999, 1, SIGUSR1);
  syscall(SYS_ptrace, PTRACE_POKEDATA, 999999, 8, 9);
  syscall(SYS_ptrace, PTRACE_SETOPTIONS, 999999, 0,
          PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL);
  syscall(SYS_ptrace, PTRACE_SEIZE, 999999, 0, PTRACE_O_TRACECLONE);
  syscall(SYS_ptrace, PTRACE_GETREGS, 999999, 0, &one);
  syscall(SYS_ptrace, PTRACE_GETSIGINFO, 999999, 0, &one);
  syscall(SYS_ptrace, PTRACE_KILL, 999999, 0, 0);
  syscall(SYS_ptrace, 0x12345, 999999, 2, 3);
  struct user_desc entry = {
      .entry_number = 99999, .base_addr = 2, .limit = 3, .seg_32bit = 1};
  syscall(SYS_modify_ldt, 17, &entry, 16);
  syscall(SYS_modify_ldt, 17, &entry, 15);
  syscall(SYS_memfd_secret, 0x100);
  syscall(SYS_iopl, 9);
  syscall(SYS_ioperm, 0xfffff, 9, 1);
  syscall(SYS_init_module, 0x1000, 0, "a=b");
  syscall(SYS_finit_module, BAD, "a=b", 2);
  syscall(SYS_kexec_load, 1, 1, NULL, 1);
  syscall(SYS_rseq, 0x1000, 7, 0, 5);

  struct landlock_ruleset_attr rules = {LANDLOCK_ACCESS_FS_EXECUTE |
                                        LANDLOCK_ACCESS_FS_READ_FILE};
  syscall(SYS_landlock_create_ruleset, &rules, 4, 0);
  syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 5);
  syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  struct landlock_path_beneath_attr beneath = {LANDLOCK_ACCESS_FS_EXECUTE, BAD};
  syscall(SYS_landlock_add_rule, BAD, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
  syscall(SYS_landlock_restrict_self, BAD, 0);
  return 0;
}
