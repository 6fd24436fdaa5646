/* Anonymous memory: addresses the kernel picks, zero pages, sizes that are no multiple of a page, errors. */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  static const size_t sizes[] = {1, 4096, 4097, 65536, 1 << 20, 3 << 20, 40 << 20};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | (i == 4 ? MAP_POPULATE : 0) | (i == 5 ? MAP_NORESERVE : 0);
    unsigned char *p = CHECK_SYS(mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, flags, -1, 0));
    for (size_t at = 0; at < sizes[i]; at += 4096) {
      CHECK(p[at] == 0);
      p[at] = (unsigned char)(at / 4096 + i);
    }
    printf("%zu bytes at %p\n", sizes[i], (void *)p);
    mix(p, sizes[i] < 70000 ? sizes[i] : 70000);
    /* What is unmapped comes back as zeros, mostly at the same address. */
    if (i % 2) {
      CHECK_SYS(munmap(p, sizes[i]));
      unsigned char *again = CHECK_SYS(mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, flags, -1, 0));
      CHECK(again[0] == 0 && again[sizes[i] - 1] == 0);
      printf("again at %p\n", (void *)again);
    }
  }
  unsigned char *none = CHECK_SYS(mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  MIX(none);
  CHECK_ERRNO(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 17), EINVAL);
  CHECK_ERRNO(mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
  CHECK_ERRNO(munmap(none + 1, 4096), EINVAL);
  CHECK_ERRNO(munmap(none, 0), EINVAL);

  /* Nothing mapped there: not an error. */
  CHECK_SYS(munmap(none, 8192));
  CHECK_SYS(munmap(none, 8192));

  void *huge = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  printf("huge pages: %s\n", huge == MAP_FAILED ? "none" : "some");
  int zero = CHECK_SYS(open("/dev/zero", O_RDWR));
  unsigned char *device = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0));
  CHECK(device[5000] == 0);
  device[5000] = 9;
  unsigned char *shared = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0));
  CHECK(shared[5000] == 0);
  shared[5000] = 9;
  printf("/dev/zero at %p and %p\n", (void *)device, (void *)shared);
  return done();
}
