/* System calls that don't exist: numbers out of range, negative, with the x32 bit, with a dirty upper half. */
#include "guest_tasks.h"

/* Not 335 and 336: uprobes' own, which kill who calls them. */
static long call(long number) { return raw_syscall(number, 1, 2, 3, 4, 5, 6); }

int main(void) {
  static const long numbers[] = {-1,     -2,         9999,       1000,       0x7fffffff, 0x80000000,
                                 -10000, 0x3ffffffe, 0x40000200, 0x400003e7, 600,        400};
  for (int round = 0; round < 3; round++)
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
      long result = call(numbers[i]);
      printf("%ld: %ld\n", numbers[i], result);
      CHECK(result == -ENOSYS);
    }
  /* Calls that were never there, or are gone. */
  static const long removed[] = {SYS_tuxcall,     SYS_security, SYS_vserver, SYS_epoll_ctl_old, SYS_epoll_wait_old,
                                 SYS_afs_syscall, SYS_getpmsg,  SYS_putpmsg, SYS_create_module, SYS_query_module};
  for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++)
    CHECK(call(removed[i]) == -ENOSYS);
  /* The kernel looks at the lower half alone. */
  long pid = raw_syscall(SYS_getpid | 0x5500000000000000, 0, 0, 0, 0, 0, 0);
  printf("getpid with a dirty upper half: %ld\n", pid);
  CHECK(pid == getpid() || pid == -ENOSYS);
  /* x32, where it's built in; its numbers are those of the native calls with bit 30. */
  long x32 = raw_syscall(SYS_getpid | 0x40000000, 0, 0, 0, 0, 0, 0);
  printf("x32 getpid: %ld\n", x32);
  CHECK(x32 == getpid() || x32 == -ENOSYS);
  CHECK_ERRNO(syscall(-1), ENOSYS);
  CHECK_ERRNO(syscall(9999), ENOSYS);
  return done();
}
