/* splice, tee and vmsplice: bytes that move through pipes without a buffer of the program. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/uio.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int file = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  unsigned char *page = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  CHECK(read(random, page, 8192) == 8192);

  int a[2], b[2];
  CHECK_SYS(pipe(a));
  CHECK_SYS(pipe(b));

  struct iovec parts[] = {{page, 100}, {page + 4000, 200}};
  CHECK(vmsplice(a[1], parts, 2, 0) == 300);
  CHECK(tee(a[0], b[1], 1000, 0) == 300);

  unsigned char got[8192];
  CHECK(read(b[0], got, sizeof(got)) == 300);
  CHECK(memcmp(got, page, 100) == 0 && memcmp(got + 100, page + 4000, 200) == 0);
  mix(got, 300);

  loff_t where = 5000;
  CHECK(splice(a[0], NULL, file, &where, 1000, SPLICE_F_MOVE) == 300 && where == 5300);
  where = 5100;
  CHECK(splice(file, &where, b[1], NULL, 1000, 0) == 200 && where == 5300);
  memset(got, 0, sizeof(got));

  /* vmsplice out of a pipe writes the program's memory. */
  struct iovec into[] = {{got + 10, 150}, {got + 1000, 1000}};
  CHECK(vmsplice(b[0], into, 2, 0) == 200);
  CHECK(memcmp(got + 10, page + 4000, 150) == 0 && memcmp(got + 1000, page + 4150, 50) == 0);
  MIX(got);

  CHECK_ERRNO(splice(b[0], NULL, file, &where, 1, SPLICE_F_NONBLOCK), EAGAIN);
  CHECK_ERRNO(tee(a[0], b[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
  CHECK_ERRNO(splice(file, NULL, file, NULL, 1, 0), EINVAL);
  CHECK_ERRNO(splice(file, &where, b[1], &where, 1, 0), ESPIPE);

  /* stdout by splice: a pipe or a file takes it; a terminal in append mode may refuse. */
  CHECK(write(a[1], "spliced\n", 8) == 8);
  ssize_t size = splice(a[0], NULL, STDOUT_FILENO, NULL, 8, 0);
  if (size == -1)
    printf("splice to stdout: errno %d\n", errno);
  return done();
}
