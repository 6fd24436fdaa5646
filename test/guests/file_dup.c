/* dup, dup2, dup3, F_DUPFD: numbers chosen by the kernel, one shared offset. */
#include "guest.h"

#include <sys/syscall.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(write(fd, "0123456789", 10) == 10);

  int a = CHECK_SYS(dup(fd));
  CHECK(a > fd);
  CHECK(lseek(a, 3, SEEK_SET) == 3 && lseek(fd, 0, SEEK_CUR) == 3);

  CHECK(dup2(fd, 50) == 50 && dup2(fd, fd) == fd);
  CHECK((int)syscall(SYS_dup2, fd, 51) == 51);
  CHECK_ERRNO(dup2(400, 52), EBADF);
  CHECK_ERRNO(dup2(400, 400), EBADF);
  CHECK(dup3(fd, 53, O_CLOEXEC) == 53 && fcntl(53, F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
  CHECK(fcntl(fd, F_DUPFD, 100) == 100 && fcntl(fd, F_DUPFD, 100) == 101 && fcntl(fd, F_GETFD) == 0);
  CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 100) == 102 && fcntl(102, F_GETFD) == FD_CLOEXEC);
  CHECK_SYS(fcntl(102, F_SETFD, 0));
  CHECK(fcntl(102, F_GETFD) == 0);

  /* Flags belong to the open file, not to the number. */
  CHECK_SYS(fcntl(101, F_SETFL, O_APPEND | O_NONBLOCK));
  CHECK((fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));

  char c;
  CHECK(read(100, &c, 1) == 1 && c == '3' && read(51, &c, 1) == 1 && c == '4');

  /* The lowest free number comes back. */
  CHECK_SYS(close(a));
  CHECK(dup(50) == a);

  /* Output through copies of stdout, which outlive the original. */
  int out = CHECK_SYS(dup(STDOUT_FILENO));
  CHECK_SYS(close(STDOUT_FILENO));
  CHECK(dprintf(out, "through fd %d\n", out) > 0);
  CHECK_SYS(dup2(out, STDOUT_FILENO));
  CHECK_SYS(close(out));
  CHECK(close_range(50, ~0u, 0) == 0 || errno == ENOSYS);
  printf("first number %d, flags %#x\n", fd, fcntl(fd, F_GETFL));
  return done();
}
