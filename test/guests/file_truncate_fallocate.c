/* truncate, ftruncate and fallocate: sizes, holes and blocks. */
#include "guest.h"

#include <sys/stat.h>

static void expect(int fd, off_t size) {
  struct stat st;
  CHECK_SYS(fstat(fd, &st));
  CHECK(st.st_size == size);
  printf("size %lld blocks %lld\n", (long long)st.st_size, (long long)st.st_blocks);
  MIX(st.st_mtim);
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  char block[8192], back[8192];
  memset(block, 'x', sizeof(block));
  CHECK(write(fd, block, sizeof(block)) == sizeof(block));

  CHECK_SYS(ftruncate(fd, 100));
  expect(fd, 100);
  CHECK_SYS(truncate("f", 5000));
  expect(fd, 5000);
  CHECK(pread(fd, back, sizeof(back), 0) == 5000 && back[99] == 'x' && back[100] == 0 && back[4999] == 0);
  CHECK_ERRNO(truncate("f", -1), EINVAL);
  CHECK_ERRNO(truncate("none", 0), ENOENT);
  CHECK_ERRNO(truncate(".", 0), EISDIR);
  CHECK_ERRNO(ftruncate(CHECK_SYS(open("f", O_RDONLY)), 0), EINVAL);

  if (fallocate(fd, 0, 0, 100000) == -1) {
    CHECK(errno == EOPNOTSUPP);
    skip("the file system has no fallocate");
  }
  expect(fd, 100000);
  CHECK_SYS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 300000));
  expect(fd, 100000);

  CHECK(pwrite(fd, block, sizeof(block), 0) == sizeof(block));
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096) == 0) {
    CHECK(pread(fd, back, sizeof(back), 0) == sizeof(back));
    CHECK(back[4095] == 'x' && back[4096] == 0 && back[8191] == 0);
  }
  expect(fd, 100000);
  const int modes[] = {FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE};
  for (int i = 0; i < 3; i++) {
    int result = fallocate(fd, modes[i], 0, 65536);
    printf("mode %#x: %d errno %d\n", modes[i], result, result == -1 ? errno : 0);
  }
  CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
  CHECK(posix_fallocate(fd, 0, -1) == EINVAL);
  return done();
}
