/* F_SETPIPE_SZ, a full pipe, partial writes, EPIPE, and a writer that blocks until the reader made room. */
#include "guest.h"

#include <signal.h>

int main(void) {
  int ends[2];
  CHECK_SYS(pipe2(ends, O_NONBLOCK));
  int size = CHECK_SYS(fcntl(ends[0], F_GETPIPE_SZ));
  int small = CHECK_SYS(fcntl(ends[0], F_SETPIPE_SZ, 5000));
  printf("from %d to %d\n", size, small);
  CHECK(small >= 5000 && fcntl(ends[1], F_GETPIPE_SZ) == small);

  static char bytes[300000], back[300000];
  memset(bytes, 'p', sizeof(bytes));
  CHECK(write(ends[1], bytes, sizeof(bytes)) == small);
  CHECK_ERRNO(write(ends[1], bytes, 1), EAGAIN);
  CHECK_ERRNO(fcntl(ends[0], F_SETPIPE_SZ, 4096), EBUSY);
  int big = CHECK_SYS(fcntl(ends[0], F_SETPIPE_SZ, 200000));
  CHECK(write(ends[1], bytes, sizeof(bytes)) == big - small);
  CHECK(read(ends[0], back, sizeof(back)) == big);

  /* Blocking: the parent's one write is cut into several by the child's reads. */
  CHECK_SYS(fcntl(ends[1], F_SETFL, 0));
  CHECK_SYS(fcntl(ends[0], F_SETFL, 0));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK_SYS(close(ends[1]));
    size_t total = 0;
    for (ssize_t got; (got = CHECK_SYS(read(ends[0], back, 70001))) > 0;) {
      total += (size_t)got;
      MIX(got);
    }
    CHECK(total == sizeof(bytes));
    printf("the reads have checksum %016llx\n", (unsigned long long)guest_sum);
    _exit(0);
  }
  CHECK(write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes));
  CHECK_SYS(close(ends[1]));
  wait_ok(child);

  CHECK_SYS(pipe(ends));
  CHECK_SYS(close(ends[0]));
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
  return done();
}
