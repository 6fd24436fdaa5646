/*
 * Functions that are called for the first time, with all vector registers zero: what the dynamic loader saves of them depends
 * on whether the processor takes SSE to be in use, which may change at any time. It has to be the same in each replay, and is
 * to look in use, also where it is not: run alone, this program may fail.
 */
#include "guest.h"

#include <ctype.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

enum { DEPTH = 16384, LEGACY = 512, IN_USE = 2 };

static volatile uint64_t sink;
static unsigned found, in_use;

/* Looks at the stack that the loader has just used. */
static __attribute__((noinline)) void look(void) {
  volatile uint64_t *low = (volatile uint64_t *)(((uintptr_t)__builtin_frame_address(0) - DEPTH) & ~63ul);
  for (volatile uint64_t *area = low; (uintptr_t)area < (uintptr_t)__builtin_frame_address(0) - 1024; area += 8) {
    uint64_t components = area[LEGACY / 8], form = area[LEGACY / 8 + 1];
    if (form >> 63 == 0 || (form & IN_USE) == 0 || (components & ~form) != 0)
      continue;
    found++;
    if ((components & IN_USE) != 0)
      in_use++;
    MIX(components);
    /* MXCSR and its mask, and the xmm registers. */
    for (int i = 0; i < 33; i++) {
      uint64_t word = area[i == 0 ? 3 : 19 + i];
      MIX(word);
    }
    area[LEGACY / 8 + 1] = 0;
  }
}

#define FIRST(call)                                                                                                    \
  do {                                                                                                                 \
    __asm__ volatile("vzeroall" ::: "memory");                                                                         \
    sink += (uint64_t)(call);                                                                                          \
    look();                                                                                                            \
  } while (0)

int main(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx")) {
    printf("cpu_lazy_binding skipped: no AVX\n");
    return 0;
  }
  volatile int zero = 0;
  FIRST(getppid() > 0);
  FIRST(toupper(zero));
  FIRST(labs(zero));
  FIRST(wcslen(L""));
  FIRST(getpgrp() > 0);
  FIRST(clock() > 0);
  FIRST(towupper((wint_t)zero));
  FIRST(getuid() > 0);
  FIRST(iswalpha((wint_t)zero));
  FIRST(sysconf(_SC_PAGESIZE));
  FIRST(random() >= 0);
  FIRST(lrand48() > 0);
  FIRST(atoi("0"));
  FIRST(strtoul("0", NULL, 0));
  CHECK(found > 8 && in_use == found);
  printf("%u areas\n", found);
  return done();
}
