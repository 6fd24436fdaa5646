/* brk: growth, stores, shrinking, zeros after growing again, a request that fails and returns the old break. */
#include "guest.h"

#include <sys/syscall.h>

int main(void) {
  /* The buffer of stdout is allocated here: no malloc moves the break below. */
  printf("break at %p\n", sbrk(0));
  char *start = CHECK_SYS(sbrk(0));
  CHECK(sbrk(100000) == start);
  for (int i = 0; i < 100000; i++)
    CHECK(start[i] == 0);
  memset(start, 'b', 100000);

  CHECK_SYS(sbrk(-60000));
  CHECK((char *)sbrk(0) == start + 40000);
  CHECK_SYS(sbrk(60000));
  CHECK(start[0] == 'b' && start[39999] == 'b');
  /* Whole pages were dropped; the rest of the last one stayed. */
  char *page = (char *)(((uintptr_t)start + 40000 + 4095) & ~4095ul);
  for (char *p = page; p < start + 100000; p++)
    CHECK(*p == 0);
  mix(start, 100000);

  CHECK((char *)syscall(SYS_brk, start + 50001) == start + 50001);
  CHECK((char *)syscall(SYS_brk, NULL) == start + 50001);
  CHECK((char *)syscall(SYS_brk, 1ul << 46) == start + 50001);
  CHECK((char *)syscall(SYS_brk, 4096ul) == start + 50001);
  /* The C library has its own idea of the break, which the raw calls left behind. */
  CHECK_SYS(brk(start));
  CHECK(sbrk(0) == start && (char *)syscall(SYS_brk, NULL) == start);

  /* Two thousand small steps. */
  for (int i = 1; i <= 2000; i++) {
    char *now = (char *)syscall(SYS_brk, start + i * 777);
    CHECK(now == start + i * 777);
    now[-1] = (char)i;
  }
  mix(start, 2000 * 777);
  CHECK_SYS(brk(start + 3 * 4096));

  /* malloc goes on above, whatever was done. */
  char *block = malloc(30000);
  CHECK(block != NULL);
  memset(block, 'm', 30000);
  printf("break at %p, block at %p\n", sbrk(0), (void *)block);
  return done();
}
