/* mremap: grow in place or by moving, shrink, FIXED, DONTUNMAP, a second view of shared pages by an old size of 0. */
#include "guest.h"

#include <sys/mman.h>

enum { RW = PROT_READ | PROT_WRITE, PAGE = 4096 };

static char *map(size_t pages, int flags) {
  char *p = CHECK_SYS(mmap(NULL, pages * PAGE, RW, flags | MAP_ANONYMOUS, -1, 0));
  for (size_t i = 0; i < pages; i++)
    p[i * PAGE] = (char)('a' + i);
  return p;
}

int main(void) {
  char *p = map(4, MAP_PRIVATE);
  char *grown = CHECK_SYS(mremap(p, 4 * PAGE, 100 * PAGE, MREMAP_MAYMOVE));
  printf("grown from %p to %p\n", (void *)p, (void *)grown);
  CHECK(grown[0] == 'a' && grown[3 * PAGE] == 'd' && grown[4 * PAGE] == 0 && grown[100 * PAGE - 1] == 0);
  grown[99 * PAGE] = 'z';
  CHECK(mremap(grown, 100 * PAGE, 2 * PAGE, 0) == grown);
  CHECK(mremap(grown, 2 * PAGE, 2 * PAGE, 0) == grown);
  /* In place, where it just shrank; the pages are new. */
  CHECK(mremap(grown, 2 * PAGE, 10 * PAGE, 0) == grown && grown[2 * PAGE] == 0);

  char *blocked = map(3, MAP_PRIVATE);
  CHECK_SYS(mmap(blocked + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
  CHECK_ERRNO(mremap(blocked, 2 * PAGE, 3 * PAGE, 0), ENOMEM);
  char *moved = CHECK_SYS(mremap(blocked, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE));
  CHECK(moved != blocked && moved[0] == 'a' && moved[PAGE] == 'b' && moved[2 * PAGE] == 0);
  printf("moved to %p\n", (void *)moved);

  char *target = map(8, MAP_PRIVATE);
  CHECK(mremap(moved, 3 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 3 * PAGE) == target + 3 * PAGE);
  CHECK(target[2 * PAGE] == 'c' && target[3 * PAGE] == 'a' && target[4 * PAGE] == 'b' && target[5 * PAGE] == 'f');
  CHECK_ERRNO(mremap(target, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE), EINVAL);

  /* The source stays mapped, empty. */
  char *emptied = map(3, MAP_PRIVATE);
  char *taken = mremap(emptied, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  if (taken == MAP_FAILED) {
    printf("no MREMAP_DONTUNMAP: errno %d\n", errno);
  } else {
    CHECK(taken[PAGE] == 'b' && emptied[0] == 0 && emptied[PAGE] == 0);
    emptied[PAGE] = 'e';
    CHECK(taken[PAGE] == 'b');
    printf("taken to %p\n", (void *)taken);
  }

  char *shared = map(2, MAP_SHARED);
  char *twin = CHECK_SYS(mremap(shared, 0, 2 * PAGE, MREMAP_MAYMOVE));
  CHECK(twin[PAGE] == 'b');
  twin[1] = 't';
  CHECK(shared[1] == 't');
  printf("twin at %p\n", (void *)twin);

  /* Part of a mapping; and across two mappings, which must fail. */
  char *middle = map(6, MAP_PRIVATE);
  char *part = CHECK_SYS(mremap(middle + 2 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
  CHECK(part[0] == 'c' && part[PAGE] == 'd' && middle[4 * PAGE] == 'e');
  CHECK_ERRNO(mremap(middle + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
  CHECK_ERRNO(mremap(middle + PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE), EFAULT);
  CHECK_ERRNO(mremap(middle, PAGE, 0, MREMAP_MAYMOVE), EINVAL);
  CHECK_ERRNO(mremap(middle + 1, PAGE, PAGE, MREMAP_MAYMOVE), EINVAL);
  mix(grown, 10 * PAGE);
  mix(target, 8 * PAGE);
  return done();
}
