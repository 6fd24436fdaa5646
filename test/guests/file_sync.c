/* fsync, fdatasync, sync_file_range, syncfs, readahead, posix_fadvise: results and nothing else. */
#include "guest.h"

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL | O_SYNC, 0600));
  char block[4096] = "synchronous";
  for (int i = 0; i < 4; i++)
    CHECK(write(fd, block, sizeof(block)) == sizeof(block));
  CHECK_SYS(fsync(fd));
  CHECK_SYS(fdatasync(fd));
  CHECK_SYS(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
  CHECK_ERRNO(sync_file_range(fd, -1, 4096, 0), EINVAL);
  CHECK_SYS(readahead(fd, 0, 8192));
  CHECK_ZERO(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
  CHECK_ZERO(posix_fadvise(fd, 0, 4096, POSIX_FADV_DONTNEED));
  CHECK(posix_fadvise(fd, 0, 0, 99) == EINVAL);
  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE);
  CHECK_ERRNO(fsync(ends[0]), EINVAL);
  CHECK_ERRNO(fdatasync(999), EBADF);
  /* The page that was dropped comes back from the disk. */
  char back[4096];
  CHECK(pread(fd, back, sizeof(back), 0) == sizeof(back) && memcmp(back, block, sizeof(back)) == 0);
  return done();
}
