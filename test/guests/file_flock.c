/* flock: a lock belongs to the open file; two opens of one process exclude each other; a child waits for its parent. */
#include "guest.h"

#include <sys/file.h>
#include <time.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int a = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int b = CHECK_SYS(open("f", O_RDWR));
  int copy = CHECK_SYS(dup(a));

  CHECK_SYS(flock(a, LOCK_EX));
  CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
  CHECK_SYS(flock(copy, LOCK_SH));
  CHECK_SYS(flock(b, LOCK_SH | LOCK_NB));
  CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
  CHECK_SYS(flock(b, LOCK_UN));
  CHECK_SYS(flock(a, LOCK_EX | LOCK_NB));
  CHECK_ERRNO(flock(a, 77), EINVAL);

  /* The child blocks in flock until the parent lets go, or gets it at once if the parent was faster. */
  int ends[2];
  CHECK_SYS(pipe(ends));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    int own = CHECK_SYS(open("f", O_RDWR));
    CHECK(write(ends[1], "!", 1) == 1);
    CHECK_SYS(flock(own, LOCK_EX));
    struct timespec now;
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    CHECK(write(own, &now, sizeof(now)) == sizeof(now));
    _exit(0);
  }
  char c;
  CHECK(read(ends[0], &c, 1) == 1);
  struct timespec before, locked;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &before));
  CHECK_SYS(flock(copy, LOCK_UN));
  wait_ok(child);
  CHECK(pread(a, &locked, sizeof(locked), 0) == sizeof(locked));
  CHECK(locked.tv_sec > before.tv_sec || (locked.tv_sec == before.tv_sec && locked.tv_nsec >= before.tv_nsec));
  printf("locked at %lld.%09ld\n", (long long)locked.tv_sec, locked.tv_nsec);
  return done();
}
