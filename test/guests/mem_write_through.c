/*
 * System calls that change memory without a store: a mapped file written by write, pwritev, sendfile, copy_file_range,
 * ftruncate, fallocate, splice, and by a child.
 */
#include "guest.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static void fold(const char *what, const char *map) {
  mix(map, 8192);
  printf("%s: %016llx\n", what, (unsigned long long)guest_sum);
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int source = CHECK_SYS(open("source", O_RDWR | O_CREAT | O_EXCL, 0600));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  char bytes[3000];
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes) && write(source, bytes, sizeof(bytes)) == sizeof(bytes));
  CHECK_SYS(ftruncate(fd, 8192));
  char *map = CHECK_SYS(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0));

  CHECK(write(fd, bytes, 100) == 100);
  CHECK(memcmp(map, bytes, 100) == 0);
  fold("write", map);
  CHECK(pwritev(fd, (struct iovec[]){{bytes + 7, 500}, {bytes, 9}}, 2, 4000) == 509);
  CHECK(memcmp(map + 4000, bytes + 7, 500) == 0);
  fold("pwritev", map);
  CHECK(lseek(fd, 5000, SEEK_SET) == 5000);
  CHECK(sendfile(fd, source, &(off_t){11}, 600) == 600);
  CHECK(memcmp(map + 5000, bytes + 11, 600) == 0);
  fold("sendfile", map);
  loff_t from = 1000, to = 6000;
  if (copy_file_range(source, &from, fd, &to, 777, 0) == 777) {
    CHECK(memcmp(map + 6000, bytes + 1000, 777) == 0);
    fold("copy_file_range", map);
  }
  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK(write(ends[1], bytes + 50, 300) == 300);
  to = 7000;
  CHECK(splice(ends[0], NULL, fd, &to, 300, 0) == 300);
  CHECK(memcmp(map + 7000, bytes + 50, 300) == 0);
  fold("splice", map);
  CHECK_SYS(ftruncate(fd, 6100));
  CHECK(map[6100] == 0);
  CHECK_SYS(ftruncate(fd, 8192));
  CHECK(map[7000] == 0);
  fold("ftruncate", map);
  if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 4500) == 0) {
    CHECK(map[9] == bytes[9] && map[10] == 0 && map[4509] == 0);
    fold("fallocate", map);
  }
  int truncated = CHECK_SYS(open("f", O_WRONLY | O_APPEND));
  CHECK_SYS(ftruncate(fd, 8000));
  CHECK(write(truncated, bytes, 192) == 192);
  CHECK(memcmp(map + 8000, bytes, 192) == 0);
  fold("append", map);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    pid_t self = getpid();
    CHECK(pwrite(fd, &self, sizeof(self), 200) == sizeof(self));
    _exit(0);
  }
  wait_ok(child);
  CHECK(memcmp(map + 200, &child, sizeof(child)) == 0);
  fold("child", map);
  return done();
}
