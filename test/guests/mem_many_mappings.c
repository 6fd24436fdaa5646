/* Two thousand small mappings of different protection, so that none merges; half of them unmapped, in an odd order. */
#include "guest.h"

#include <sys/mman.h>

enum { COUNT = 2000 };

int main(void) {
  static char *maps[COUNT];
  int self = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  for (int i = 0; i < COUNT; i++) {
    int protection = i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
    if (i % 50 == 7)
      maps[i] = CHECK_SYS(mmap(NULL, 4096, protection, MAP_PRIVATE, self, 0));
    else
      maps[i] = CHECK_SYS(mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (protection & PROT_WRITE)
      memcpy(maps[i], &i, sizeof(i));
    MIX(maps[i]);
  }
  for (int i = 0; i < COUNT / 2; i++) {
    int which = i * 997 % COUNT;
    CHECK_SYS(munmap(maps[which], 4096));
    maps[which] = NULL;
  }
  int left = 0;
  for (int i = 0; i < COUNT; i++) {
    if (maps[i] == NULL)
      continue;
    left++;
    if (i % 2 == 0)
      CHECK(memcmp(maps[i], &i, sizeof(i)) == 0);
    else
      CHECK(maps[i][0] == (i % 50 == 7 ? 0x7f : 0));
  }
  CHECK(left == COUNT / 2);

  /* The holes are used again. */
  for (int i = 0; i < 100; i++) {
    char *again = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    again[i] = (char)i;
    MIX(again);
  }
  return done();
}
