/*
 * Open file description locks: owned by the open file, so F_GETLK gives no pid, a fork shares them, a close of a copy
 * keeps them.
 */
#include "guest.h"

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int a = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int b = CHECK_SYS(open("f", O_RDWR));

  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
  if (fcntl(a, F_OFD_SETLK, &lock) == -1 && errno == EINVAL)
    skip("no open file description locks");
  struct flock other = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  CHECK_SYS(fcntl(b, F_OFD_GETLK, &other));
  CHECK(other.l_type == F_WRLCK && other.l_pid == -1 && other.l_start == 10 && other.l_len == 10);
  MIX(other);
  CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &lock), EAGAIN);

  CHECK_SYS(close(dup(a)));
  CHECK_ERRNO(fcntl(b, F_OFD_SETLK, &lock), EAGAIN);

  /* The child drops the lock of the file it shares; the parent's wait on the other open ends. */
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    struct flock none = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    CHECK_SYS(fcntl(a, F_OFD_SETLK, &none));
    _exit(0);
  }
  CHECK_SYS(fcntl(b, F_OFD_SETLKW, &lock));
  wait_ok(child);

  /* A process lock and a description lock of one process exclude each other. */
  struct flock process = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1};
  CHECK_ERRNO(fcntl(a, F_SETLK, &process), EAGAIN);
  process.l_pid = 77;
  CHECK_ERRNO(fcntl(a, F_OFD_SETLK, &process), EINVAL);
  process.l_pid = 0, process.l_whence = SEEK_END, process.l_start = 100;
  CHECK_SYS(fcntl(a, F_OFD_SETLK, &process));
  return done();
}
