/*
 * Smaller fcntl commands: leases, owners, read-write hints, and ioctl's FIOCLEX, FIONBIO, FIOASYNC, FIONREAD on a
 * file.
 */
#include "guest.h"

#include <sys/ioctl.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(write(fd, "0123456789", 10) == 10);
  CHECK_SYS(close(fd));
  fd = CHECK_SYS(open("f", O_RDONLY));

  CHECK(fcntl(fd, F_GETLEASE) == F_UNLCK);
  int result = fcntl(fd, F_SETLEASE, F_RDLCK);
  printf("lease: %d errno %d, now %d\n", result, result == -1 ? errno : 0, fcntl(fd, F_GETLEASE));
  fcntl(fd, F_SETLEASE, F_UNLCK);

  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK(fcntl(ends[0], F_GETOWN) == 0);
  CHECK_SYS(fcntl(ends[0], F_SETOWN, getpid()));
  CHECK(fcntl(ends[0], F_GETOWN) == getpid());
  struct f_owner_ex owner = {0};
  CHECK_SYS(fcntl(ends[0], F_GETOWN_EX, &owner));
  CHECK(owner.type == F_OWNER_PID && owner.pid == getpid());
  MIX(owner);
  CHECK_SYS(fcntl(ends[0], F_SETOWN, -getpgrp()));
  printf("owner %d pgrp %d\n", fcntl(ends[0], F_GETOWN), getpgrp());
  CHECK_SYS(fcntl(ends[0], F_SETSIG, 40));
  CHECK(fcntl(ends[0], F_GETSIG) == 40);

  uint64_t hint = 0xa5a5;
  result = fcntl(fd, F_GET_RW_HINT, &hint);
  printf("hint: %d %llu\n", result, (unsigned long long)hint);

  CHECK_SYS(ioctl(fd, FIOCLEX));
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK_SYS(ioctl(fd, FIONCLEX));
  CHECK(fcntl(fd, F_GETFD) == 0);
  CHECK_SYS(ioctl(ends[0], FIONBIO, &(int){1}));
  CHECK_ERRNO(read(ends[0], (char[1]){0}, 1), EAGAIN);
  int waiting = -1;
  CHECK(lseek(fd, 3, SEEK_SET) == 3);
  CHECK_SYS(ioctl(fd, FIONREAD, &waiting));
  CHECK(waiting == 7);
  CHECK(write(ends[1], "abc", 3) == 3);
  CHECK_SYS(ioctl(ends[0], FIONREAD, &waiting));
  CHECK(waiting == 3);
  CHECK_ERRNO(fcntl(fd, 9999), EINVAL);
  return done();
}
