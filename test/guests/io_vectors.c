/*
 * Vectors: empty elements, one that stays partly or wholly unfilled, the same buffer twice, preadv2 and pwritev2
 * flags.
 */
#include "guest.h"

#include <sys/syscall.h>
#include <sys/uio.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));

  char a[] = "alpha", b[] = "beta", c[] = "gamma";
  struct iovec out[] = {{a, 5}, {NULL, 0}, {b, 4}, {c, 5}};
  CHECK(writev(fd, out, 4) == 14);

  char x[3], y[1], z[20];
  memset(z, '.', sizeof(z));
  struct iovec in[] = {{x, sizeof(x)}, {NULL, 0}, {y, sizeof(y)}, {z, sizeof(z)}, {c, 1}};
  CHECK(preadv(fd, in, 5, 0) == 14);
  CHECK(memcmp(x, "alp", 3) == 0 && y[0] == 'h' && memcmp(z, "abetagamma..........", 20) == 0 && c[0] == 'g');
  printf("%.3s|%c|%.20s\n", x, y[0], z);

  /* Elements that overlap are filled in order. */
  char same[8] = {0};
  struct iovec twice[] = {{same, 4}, {same + 2, 4}};
  CHECK(preadv(fd, twice, 2, 0) == 8 && memcmp(same, "alabet", 6) == 0);

  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(readv(fd, in, 5) == 14 && lseek(fd, 0, SEEK_CUR) == 14);
  CHECK(readv(fd, in, 5) == 0);
  CHECK(readv(fd, in, 0) == 0);
  CHECK_ERRNO(syscall(SYS_readv, fd, in, -1L), EINVAL);
  CHECK_ERRNO(syscall(SYS_readv, fd, in, IOV_MAX + 1L), EINVAL);

  /* As many elements as are allowed, of odd sizes. */
  static unsigned char bytes[IOV_MAX * 5];
  static struct iovec many[IOV_MAX];
  size_t used = 0;
  for (int i = 0; i < IOV_MAX; i++) {
    many[i] = (struct iovec){bytes + used, (size_t)(i % 9)};
    used += (size_t)(i % 9);
  }
  CHECK(readv(random, many, IOV_MAX) == (ssize_t)used);
  mix(bytes, used);
  CHECK(pwritev(fd, many, IOV_MAX, 14) == (ssize_t)used);

  /* Offset -1: the file's own offset, and it moves. */
  CHECK(lseek(fd, 0, SEEK_SET) == 0);
  CHECK(preadv2(fd, in, 1, -1, 0) == 3 && lseek(fd, 0, SEEK_CUR) == 3);
  ssize_t size = pwritev2(fd, out, 4, 0, RWF_APPEND);
  if (size == -1)
    printf("RWF_APPEND: errno %d\n", errno);
  else
    CHECK(size == 14 && lseek(fd, 0, SEEK_END) == 28 + (off_t)used);
  CHECK(pwritev2(fd, out, 4, 0, RWF_DSYNC) == 14);
  CHECK_ERRNO(preadv2(fd, in, 1, 0, 0x40000000), EOPNOTSUPP);

  /* Nothing to read now: EAGAIN at once. In the page cache: data, if the file system can tell. */
  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK_ERRNO(preadv2(ends[0], in, 1, -1, RWF_NOWAIT), EAGAIN);
  size = preadv2(fd, in, 1, 0, RWF_NOWAIT);
  printf("RWF_NOWAIT: %zd errno %d\n", size, size == -1 ? errno : 0);

  /* stdout, as one record made of pieces. */
  struct iovec line[] = {{(char *)"one ", 4}, {(char *)"line\n", 5}};
  CHECK(writev(STDOUT_FILENO, line, 2) == 9);
  return done();
}
