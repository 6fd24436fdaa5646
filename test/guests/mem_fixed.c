/* MAP_FIXED over existing mappings, MAP_FIXED_NOREPLACE, hints that are honoured or not, MAP_32BIT. */
#include "guest.h"

#include <sys/mman.h>

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void) {
  char *base = CHECK_SYS(mmap(NULL, 10 * 4096, RW, ANON, -1, 0));
  memset(base, 'o', 10 * 4096);
  CHECK(mmap(base + 3 * 4096, 2 * 4096, RW, ANON | MAP_FIXED, -1, 0) == base + 3 * 4096);
  CHECK(base[3 * 4096 - 1] == 'o' && base[3 * 4096] == 0 && base[5 * 4096 - 1] == 0 && base[5 * 4096] == 'o');
  int self = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  CHECK(mmap(base + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, self, 0) == base + 4096);
  CHECK(memcmp(base + 4096, "\177ELF", 4) == 0 && base[0] == 'o' && base[2 * 4096] == 'o');
  CHECK_ERRNO(mmap(base + 1, 4096, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
  CHECK_ERRNO(mmap((void *)(1ul << 50), 4096, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);

  /* A failed MAP_FIXED need not leave the old mapping, but one that fails early does. */
  CHECK_ERRNO(mmap(base, 4096, RW, MAP_PRIVATE | MAP_FIXED, 999, 0), EBADF);
  CHECK(base[0] == 'o');

  CHECK_ERRNO(mmap(base, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
  CHECK_SYS(munmap(base + 7 * 4096, 4096));
  CHECK(mmap(base + 7 * 4096, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == base + 7 * 4096);

  /* Hints: a free place, an occupied one, an unaligned one. */
  char *want = (char *)0x345600000000;
  char *hint = CHECK_SYS(mmap(want, 4096, RW, ANON, -1, 0));
  char *taken = CHECK_SYS(mmap(hint, 4096, RW, ANON, -1, 0));
  char *odd = CHECK_SYS(mmap(want + 0x10123, 4096, RW, ANON, -1, 0));
  CHECK(taken != hint && ((uintptr_t)odd & 4095) == 0);
  printf("hint %p, taken %p, unaligned %p\n", (void *)hint, (void *)taken, (void *)odd);

  void *low = mmap(NULL, 8192, RW, ANON | MAP_32BIT, -1, 0);
  printf("below 2 GiB: %p\n", low);
  CHECK(low == MAP_FAILED || (uintptr_t)low < 0x80000000u);
  void *zero = mmap(NULL, 4096, RW, ANON | MAP_FIXED, -1, 0);
  printf("page zero: %s\n", zero == MAP_FAILED ? strerror(errno) : "mapped");
  if (zero != MAP_FAILED)
    CHECK_SYS(munmap(zero, 4096));
  void *stack = CHECK_SYS(mmap(NULL, 65536, RW, ANON | MAP_STACK | MAP_NORESERVE, -1, 0));
  memset(stack, 1, 65536);
  mix(base, 10 * 4096);
  return done();
}
