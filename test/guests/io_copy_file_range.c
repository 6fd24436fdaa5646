/* copy_file_range: both offsets are in and out; the end of the file cuts the copy short. */
#include "guest.h"

#include <sys/ioctl.h>
#include <linux/fs.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int in = CHECK_SYS(open("in", O_RDWR | O_CREAT | O_EXCL, 0600));
  int out = CHECK_SYS(open("out", O_RDWR | O_CREAT | O_EXCL, 0600));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  static unsigned char bytes[70000], back[70000];
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes) && write(in, bytes, sizeof(bytes)) == sizeof(bytes));

  loff_t from = 3, to = 11;
  ssize_t size = copy_file_range(in, &from, out, &to, 60000, 0);
  if (size == -1 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EXDEV))
    skip(strerror(errno));
  CHECK(size == 60000 && from == 60003 && to == 60011);
  CHECK(pread(out, back, sizeof(back), 11) == 60000 && memcmp(back, bytes + 3, 60000) == 0);
  mix(back, 60000);

  CHECK(copy_file_range(in, &from, out, NULL, 1 << 20, 0) == 9997 && from == 70000);
  CHECK(lseek(out, 0, SEEK_CUR) == 9997);
  CHECK(copy_file_range(in, &from, out, NULL, 1, 0) == 0);
  from = 0, to = 10;
  CHECK_ERRNO(copy_file_range(in, &from, in, &to, 100, 0), EINVAL);
  CHECK_ERRNO(copy_file_range(in, &from, out, &to, 1, 1), EINVAL);

  printf("FICLONE: %d errno %d\n", ioctl(out, FICLONE, in), errno);
  return done();
}
