/* Address space reserved but not used: 1 TiB inaccessible, 64 GiB writable with a few pages touched, far apart. */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  const size_t tera = 1ul << 40, giga = 1ul << 30;
  char *reserved = mmap(NULL, tera, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    CHECK(errno == ENOMEM);
    skip("1 TiB of address space is refused (a limit, or strict overcommit)");
  }
  for (size_t at = 0; at < tera; at += tera / 16) {
    CHECK_SYS(mprotect(reserved + at, 8192, PROT_READ | PROT_WRITE));
    reserved[at] = (char)(at >> 36);
    reserved[at + 8191] = 'e';
  }
  printf("reserved at %p\n", (void *)reserved);

  char *sparse = mmap(NULL, 64 * giga, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (sparse != MAP_FAILED) {
    CHECK_SYS(madvise(sparse, 64 * giga, MADV_NOHUGEPAGE));
    for (size_t i = 0; i < 64; i++)
      sparse[i * giga + i * 4096] = (char)i;
    for (size_t i = 0; i < 64; i++)
      CHECK(sparse[i * giga + i * 4096] == (char)i && sparse[i * giga + i * 4096 + 4095] == 0);
    printf("sparse at %p\n", (void *)sparse);
    CHECK_SYS(madvise(sparse, 32 * giga, MADV_DONTNEED));
    CHECK(sparse[5 * giga + 5 * 4096] == 0 && sparse[40 * giga + 40 * 4096] == 40);
  }

  /* An allocator's way: cut an aligned piece out. */
  CHECK_SYS(munmap(reserved, giga));
  CHECK_SYS(munmap(reserved + 2 * giga, tera - 2 * giga));
  CHECK_SYS(mprotect(reserved + giga, 4096, PROT_READ | PROT_WRITE));
  reserved[giga] = 'k';
  pid_t child = CHECK_SYS(fork());
  if (child == 0)
    _exit(reserved[giga] == 'k' ? 0 : 1);
  wait_ok(child);
  return done();
}
