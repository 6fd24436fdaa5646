/* 2 MiB aligned areas with huge pages wished for: a replay may have small pages, the contents must not differ. */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  const size_t huge = 2 << 20;
  char *area = CHECK_SYS(mmap(NULL, 4 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char *p = (char *)(((uintptr_t)area + huge - 1) & ~(huge - 1));
  int advice = madvise(p, 2 * huge, MADV_HUGEPAGE);
  printf("advice %d errno %d at %p\n", advice, advice == -1 ? errno : 0, (void *)p);
  for (size_t at = 0; at < 2 * huge; at += 64 * 1024 + 8)
    p[at] = (char)(at >> 12);
  CHECK_SYS(mprotect(p + huge / 2, 4096, PROT_READ));
  CHECK_SYS(madvise(p + huge + 8192, 4096, MADV_DONTNEED));
  CHECK_SYS(munmap(p + huge + 64 * 4096, 4096));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    p[0] = 'c';
    _exit(p[huge - 1] == 0 ? 0 : 1);
  }
  wait_ok(child);
  CHECK(p[0] == 0);
  mix(p, huge);
  mix(p + huge, 64 * 4096);
  return done();
}
