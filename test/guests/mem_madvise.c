/* madvise: DONTNEED drops private pages and keeps shared ones, FREE may, REMOVE makes a hole, and smaller advice. */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  const size_t size = 16 * 4096;
  char *p = CHECK_SYS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(p, 'a', size);
  CHECK_SYS(madvise(p + 4096, 2 * 4096, MADV_DONTNEED));
  CHECK(p[0] == 'a' && p[4096] == 0 && p[3 * 4096 - 1] == 0 && p[3 * 4096] == 'a');

  /* Free pages may be lost or kept until they are written: whatever it is, a replay has to show the same. */
  if (madvise(p + 4 * 4096, 4 * 4096, MADV_FREE) == 0)
    printf("freed: %d\n", p[4 * 4096]);
  p[5 * 4096] = 'n';
  mix(p, size);

  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(ftruncate(fd, (off_t)size));
  char *file = CHECK_SYS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  CHECK(pwrite(fd, "from the file", 13, 0) == 13);
  memset(file, 'p', size);
  CHECK_SYS(madvise(file, size, MADV_DONTNEED));
  CHECK(memcmp(file, "from the file", 13) == 0 && file[size - 1] == 0);

  char *shared = CHECK_SYS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  memset(shared, 's', size);
  CHECK_SYS(madvise(shared, size, MADV_DONTNEED));
  CHECK(shared[0] == 's' && shared[size - 1] == 's');
  if (madvise(shared + 4096, 4096, MADV_REMOVE) == 0)
    CHECK(shared[4095] == 's' && shared[4096] == 0 && shared[8192] == 's');
  else
    printf("MADV_REMOVE: errno %d\n", errno);
  mix(shared, size);

  /* The last ones: POPULATE_READ, POPULATE_WRITE, COLLAPSE, GUARD_INSTALL, GUARD_REMOVE, and none. */
  static const int advice[] = {MADV_NORMAL,   MADV_RANDOM,    MADV_SEQUENTIAL, MADV_WILLNEED,  MADV_HUGEPAGE,
                               MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP,    MADV_MERGEABLE, MADV_UNMERGEABLE,
                               MADV_COLD,     MADV_PAGEOUT,   22,              23,             25,
                               102,           103,            99};
  char *other = CHECK_SYS(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
    int result = madvise(other + 4096, 8192, advice[i]);
    printf("advice %d: %d errno %d\n", advice[i], result, result == -1 ? errno : 0);
  }
  other[4096] = 'x';
  CHECK_ERRNO(madvise(p + 1, 4096, MADV_DONTNEED), EINVAL);
  CHECK_SYS(munmap(p + 4096, 4096));
  /* Pages around the hole are advised all the same. */
  CHECK_ERRNO(madvise(p, 3 * 4096, MADV_DONTNEED), ENOMEM);
  CHECK(p[0] == 0);
  CHECK_ZERO(posix_madvise(p, 4096, POSIX_MADV_DONTNEED));
  return done();
}
