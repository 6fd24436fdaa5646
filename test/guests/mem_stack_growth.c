/* Stacks that grow without a system call: the main thread's to several MiB, and a MAP_GROWSDOWN mapping. */
#include "guest.h"

#include <sys/mman.h>

static __attribute__((noinline)) uint64_t deep(int depth) {
  volatile unsigned char frame[32768];
  for (size_t i = 0; i < sizeof(frame); i += 512)
    frame[i] = (unsigned char)(depth + (int)i);
  uint64_t below = depth > 0 ? deep(depth - 1) : 0;
  return below * 31 + frame[512] + frame[sizeof(frame) - 512];
}

/* Start of the mapping that holds `address`, as the kernel tells it. */
static uintptr_t mapping_start(uintptr_t address) {
  char line[512];
  uintptr_t start, end, found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(maps != NULL);
  while (fgets(line, sizeof(line), maps) != NULL)
    if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= address && address < end)
      found = start;
  fclose(maps);
  return found;
}

int main(void) {
  int here;
  uintptr_t before = mapping_start((uintptr_t)&here);
  uint64_t sum = deep(150);
  uintptr_t after = mapping_start((uintptr_t)&here);
  MIX(sum);
  printf("stack from %#lx to %#lx\n", before, after);
  CHECK(after < before && (uintptr_t)&here - after > 150 * 32768);

  /* Far below the others, so that there is room to grow. */
  char *area = CHECK_SYS(mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  CHECK_SYS(munmap(area, 64 << 20));
  char *top = CHECK_SYS(mmap(area + (32 << 20), 8192, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
  top[0] = 't';
  CHECK(mapping_start((uintptr_t)top) == (uintptr_t)top);
  for (int page = 1; page <= 100; page++)
    top[-page * 4096] = (char)page;
  CHECK(mapping_start((uintptr_t)top) == (uintptr_t)top - 100 * 4096);
  for (int page = 1; page <= 100; page++)
    CHECK(top[-page * 4096] == (char)page && top[-page * 4096 + 1] == 0);
  mix(top - 100 * 4096, 101 * 4096);
  printf("grew down to %#lx\n", mapping_start((uintptr_t)top));
  return done();
}
