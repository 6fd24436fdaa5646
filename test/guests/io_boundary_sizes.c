/* Reads and writes of sizes around powers of two, into unaligned buffers, across page borders. */
#include "guest.h"

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  static unsigned char bytes[300000], back[300016];
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY)), fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes));
  CHECK(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));

  static const size_t around[] = {128, 512, 4096, 8192, 65536, 131072, 262144};
  for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++)
    for (size_t size = around[i] - 1; size <= around[i] + 1; size++) {
      size_t shift = (i * 3 + size) % 16;
      memset(back, 0xee, sizeof(back));
      CHECK(pread(fd, back + shift, size, (off_t)i) == (ssize_t)size);
      CHECK(memcmp(back + shift, bytes + i, size) == 0 && back[shift + size] == 0xee);
      mix(back + shift, size);
      CHECK(lseek(fd, (off_t)shift, SEEK_SET) == (off_t)shift);
      CHECK(write(fd, bytes + shift, size) == (ssize_t)size);
    }
  CHECK(pread(fd, back, sizeof(back), 0) == sizeof(bytes) && memcmp(back, bytes, sizeof(bytes)) == 0);

  int null = CHECK_SYS(open("/dev/null", O_RDWR)), full = CHECK_SYS(open("/dev/full", O_RDWR));
  CHECK(write(null, bytes, sizeof(bytes)) == sizeof(bytes) && read(null, back, 10) == 0);
  CHECK_ERRNO(write(full, bytes, 1), ENOSPC);
  CHECK(read(full, back, 100) == 100 && back[99] == 0);

  /* One byte at a time. */
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  for (int i = 0; i < 3000; i++) {
    CHECK(read(fd, back, 1) == 1 && back[0] == bytes[i]);
    CHECK(write(null, back, 1) == 1);
  }
  return done();
}
