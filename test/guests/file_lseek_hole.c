/* lseek with SEEK_DATA and SEEK_HOLE over a sparse file, and the errors of lseek. */
#include "guest.h"

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("sparse", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(pwrite(fd, "head", 4, 0) == 4);
  CHECK(pwrite(fd, "tail", 4, 1 << 20) == 4);

  CHECK(lseek(fd, 0, SEEK_DATA) == 0);
  /* A file system without holes may say that the whole file is data. */
  off_t hole = CHECK_SYS(lseek(fd, 0, SEEK_HOLE));
  off_t data = CHECK_SYS(lseek(fd, hole < 1 << 20 ? hole : 0, SEEK_DATA));
  printf("hole at %lld, data at %lld\n", (long long)hole, (long long)data);
  CHECK(hole >= 4 && data <= 1 << 20);
  CHECK(lseek(fd, (1 << 20) + 1, SEEK_HOLE) == (1 << 20) + 4);
  CHECK_ERRNO(lseek(fd, (1 << 20) + 4, SEEK_DATA), ENXIO);
  CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
  CHECK_ERRNO(lseek(fd, 0, 77), EINVAL);

  /* Beyond the end nothing happens until a write. */
  CHECK(lseek(fd, 5, SEEK_END) == (1 << 20) + 9);
  CHECK(read(fd, (char[1]){0}, 1) == 0);
  CHECK(lseek(fd, 1LL << 40, SEEK_SET) == 1LL << 40);
  CHECK(lseek(fd, 0, SEEK_END) == (1 << 20) + 4);
  char zeros[64];
  CHECK(pread(fd, zeros, sizeof(zeros), 512 * 1024) == sizeof(zeros));
  for (size_t i = 0; i < sizeof(zeros); i++)
    CHECK(zeros[i] == 0);

  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
  return done();
}
