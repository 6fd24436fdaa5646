/* pread and pwrite: the offset of the file stays; O_APPEND makes pwrite append whatever its offset says. */
#include "guest.h"

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  unsigned char bytes[10000], back[20000];
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes));

  CHECK(write(fd, "12345", 5) == 5);
  CHECK(pwrite(fd, bytes, sizeof(bytes), 1000) == sizeof(bytes));
  CHECK(lseek(fd, 0, SEEK_CUR) == 5);

  memset(back, 0xee, sizeof(back));
  CHECK(pread(fd, back, sizeof(back), 1000) == sizeof(bytes));
  CHECK(memcmp(back, bytes, sizeof(bytes)) == 0 && back[sizeof(bytes)] == 0xee);
  MIX(back);
  CHECK(pread(fd, back, sizeof(back), 10999) == 1 && back[0] == bytes[9999]);
  CHECK(pread(fd, back, sizeof(back), 11000) == 0);
  CHECK(pread(fd, back, sizeof(back), 1LL << 42) == 0);
  CHECK_ERRNO(pread(fd, back, 1, -1), EINVAL);

  int append = CHECK_SYS(open("f", O_RDWR | O_APPEND));
  CHECK(pwrite(append, "end", 3, 0) == 3);
  CHECK(lseek(append, 0, SEEK_END) == 11003);
  CHECK(pread(fd, back, 8, 11000) == 3 && memcmp(back, "end", 3) == 0);
  CHECK(pread(fd, back, 5, 0) == 5 && memcmp(back, "12345", 5) == 0);

  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK_ERRNO(pread(ends[0], back, 1, 0), ESPIPE);
  CHECK_ERRNO(pwrite(ends[1], back, 1, 0), ESPIPE);
  return done();
}
