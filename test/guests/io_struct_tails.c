/*
 * Bytes of out-structures that a call leaves alone, or fills with padding: with two different fillings before the
 * call.
 */
#include "guest.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

static unsigned char area[1024];

static void show(const char *what, long result) {
  int error = result == -1 ? errno : 0;
  size_t last = sizeof(area);
  while (last > 1 && area[last - 1] == area[sizeof(area) - 1])
    last--;
  MIX(area);
  printf("%s: %s errno %d, up to byte %zu\n", what, result == -1 ? "failed" : "done", error, last);
}

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    memset(area, 0xa5, sizeof(area));                                                                                  \
    show(#call, call);                                                                                                 \
    memset(area, 0, sizeof(area));                                                                                     \
    show("  on zeros", call);                                                                                          \
  } while (0)

int main(void) {
  int fd = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0)), epoll = CHECK_SYS(epoll_create1(0)), ends[2];
  CHECK_SYS(pipe(ends));
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &(struct epoll_event){EPOLLOUT, {.u64 = 1}}));
  socklen_t size;
  TRY(syscall(SYS_uname, area));
  TRY(syscall(SYS_sysinfo, area));
  TRY(syscall(SYS_getrusage, RUSAGE_SELF, area));
  TRY(syscall(SYS_times, area));
  TRY(syscall(SYS_stat, "/", area));
  TRY(syscall(SYS_statx, AT_FDCWD, "/", 0, STATX_BASIC_STATS, area));
  TRY(syscall(SYS_statfs, "/", area));
  TRY(syscall(SYS_clock_gettime, CLOCK_REALTIME, area));
  TRY(syscall(SYS_rt_sigaction, SIGINT, NULL, area, 8));
  TRY(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, area, 8));
  TRY(syscall(SYS_rt_sigpending, area, 8));
  TRY(syscall(SYS_sigaltstack, NULL, area));
  TRY(syscall(SYS_epoll_wait, epoll, area, 10, 0));
  TRY((size = sizeof(area), syscall(SYS_getsockname, fd, area, &size)));
  TRY((size = sizeof(area), syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, area, &size)));
  TRY((size = 1, syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, area, &size)));
  TRY(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, area));
  TRY(syscall(SYS_sched_getaffinity, 0, sizeof(area), area));
  TRY(syscall(SYS_getitimer, 0, area));
  TRY(syscall(SYS_adjtimex, memset(area, 0, 4)));
  TRY(syscall(SYS_prctl, 16 /* PR_GET_NAME */, area));
  TRY(syscall(SYS_get_robust_list, 0, area, area + 64));
  TRY(syscall(SYS_sched_getparam, 0, area));
  TRY(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, area));
  TRY(syscall(SYS_getgroups, 200, area));
  TRY(syscall(SYS_waitid, P_ALL, 0, area, WEXITED | WNOHANG, NULL));
  TRY(syscall(SYS_wait4, -1, area, WNOHANG, area + 100));

  /* A child that ended: siginfo and rusage, with the padding inside. */
  pid_t child = CHECK_SYS(fork());
  if (child == 0)
    _exit(3);
  memset(area, 0xa5, sizeof(area));
  show("waitid", syscall(SYS_waitid, P_PID, child, area, WEXITED | WNOWAIT, area + 256));
  memset(area, 0xa5, sizeof(area));
  show("wait4", syscall(SYS_wait4, child, area, 0, area + 256));
  return done();
}
