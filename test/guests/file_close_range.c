/* close_range: closing, marking close-on-exec, and a private table. */
#include "guest.h"

#include <linux/close_range.h>
#include <sys/syscall.h>

static int is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

int main(void) {
  for (int fd = 20; fd < 40; fd++)
    CHECK(dup2(STDIN_FILENO, fd) == fd);

  if (syscall(SYS_close_range, 25u, 29u, 0u) == -1) {
    printf("errno %d\n", errno);
    skip("no close_range");
  }
  for (int fd = 20; fd < 40; fd++)
    CHECK(is_open(fd) == (fd < 25 || fd > 29));

  CHECK_SYS(syscall(SYS_close_range, 30u, 34u, CLOSE_RANGE_CLOEXEC));
  for (int fd = 30; fd < 40; fd++)
    CHECK(fcntl(fd, F_GETFD) == (fd <= 34 ? FD_CLOEXEC : 0));

  CHECK_ERRNO(syscall(SYS_close_range, 9u, 8u, 0u), EINVAL);
  CHECK_ERRNO(syscall(SYS_close_range, 8u, 9u, 0x80u), EINVAL);
  CHECK_SYS(syscall(SYS_close_range, 35u, ~0u, CLOSE_RANGE_UNSHARE));
  CHECK(!is_open(35) && is_open(34));
  printf("next number %d\n", CHECK_SYS(dup(STDIN_FILENO)));
  return done();
}
