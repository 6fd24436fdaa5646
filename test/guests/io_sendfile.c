/* sendfile: between files, to a pipe that fills up, with and without its own offset, and to stdout. */
#include "guest.h"

#include <sys/sendfile.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int in = CHECK_SYS(open("in", O_RDWR | O_CREAT | O_EXCL, 0600));
  int out = CHECK_SYS(open("out", O_RDWR | O_CREAT | O_EXCL, 0600));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  static unsigned char bytes[100000], back[100000];
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes));
  CHECK(write(in, bytes, sizeof(bytes)) == sizeof(bytes));

  off_t offset = 1000;
  CHECK(sendfile(out, in, &offset, 50000) == 50000 && offset == 51000);
  CHECK(lseek(in, 0, SEEK_CUR) == sizeof(bytes));
  CHECK(pread(out, back, sizeof(back), 0) == 50000 && memcmp(back, bytes + 1000, 50000) == 0);
  mix(back, 50000);

  CHECK(lseek(in, 99990, SEEK_SET) == 99990);
  CHECK(sendfile(out, in, NULL, 1000) == 10 && lseek(in, 0, SEEK_CUR) == 100000);
  CHECK(sendfile(out, in, NULL, 1000) == 0);
  offset = -1;
  CHECK_ERRNO(sendfile(out, in, &offset, 1), EINVAL);

  int ends[2];
  CHECK_SYS(pipe2(ends, O_NONBLOCK));
  offset = 0;
  ssize_t size = CHECK_SYS(sendfile(ends[1], in, &offset, sizeof(bytes)));
  printf("the pipe took %zd, offset %lld\n", size, (long long)offset);
  CHECK(size > 0 && size == offset && size < (ssize_t)sizeof(bytes));
  CHECK_ERRNO(sendfile(ends[1], in, &offset, 1), EAGAIN);
  CHECK(read(ends[0], back, sizeof(back)) == size && memcmp(back, bytes, (size_t)size) == 0);
  CHECK_ERRNO(sendfile(out, ends[0], NULL, 1), EINVAL);

  /* Output that the program never had in its memory. */
  CHECK(pwrite(in, "sent by the kernel\n", 19, 0) == 19);
  offset = 0;
  CHECK(sendfile(STDOUT_FILENO, in, &offset, 19) == 19);
  return done();
}
