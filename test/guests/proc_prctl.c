/* Per-process switches: dumpable, no_new_privs, keepcaps, timer slack, personality, TSC, speculation. */
#include "guest_tasks.h"

#include <sys/personality.h>

int main(void) {
  /* A recorder may change what some of these say; they are shown, not checked. */
  int tsc = -1;
  printf("personality %#x, tsc %d", personality(0xffffffff), prctl(PR_GET_TSC, &tsc));
  printf(" %d, speculation %d, endian %d, seccomp %d\n", tsc, prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0),
         prctl(PR_GET_ENDIAN, &tsc), prctl(PR_GET_SECCOMP));
  printf("timer slack %d ns, securebits %d, thp %d, mce %d\n", prctl(PR_GET_TIMERSLACK), prctl(PR_GET_SECUREBITS),
         prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  for (int capability = 0; capability < 8; capability++)
    printf("%d", prctl(PR_CAPBSET_READ, capability));
  printf(" of the bounding set\n");

  CHECK_SYS(prctl(PR_SET_TIMERSLACK, 123456));
  CHECK(prctl(PR_GET_TIMERSLACK) == 123456);
  CHECK_SYS(prctl(PR_SET_TIMERSLACK, 0));
  CHECK_ERRNO(prctl(123456789), EINVAL);
  CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
  CHECK_ERRNO(prctl(PR_SET_NAME, (char *)1), EFAULT);

  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    int dumpable = CHECK_SYS(prctl(PR_GET_DUMPABLE));
    CHECK_SYS(prctl(PR_SET_DUMPABLE, 0));
    CHECK(prctl(PR_GET_DUMPABLE) == 0);
    /* A tracer without privileges can't open this task's memory file now. */
    static volatile char bytes[3 * 4096];
    for (size_t i = 0; i < sizeof(bytes); i += 512) {
      int fd = CHECK_SYS(open("/dev/urandom", O_RDONLY));
      CHECK(read(fd, (char *)bytes + i, 16) == 16);
      close(fd);
    }
    mix((char *)bytes, sizeof(bytes));
    CHECK_SYS(prctl(PR_SET_DUMPABLE, 1));
    CHECK(prctl(PR_GET_DUMPABLE) == 1);
    printf("undumpable child read %016lx, was %d\n", (long)guest_sum, dumpable);
    CHECK_SYS(prctl(PR_SET_KEEPCAPS, 1));
    CHECK(prctl(PR_GET_KEEPCAPS) == 1);
    CHECK_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
    if (fork() == 0)
      _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int status;
    CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 1);
    _exit(0);
  }
  wait_exit(pid, 0);
  return done();
}
