/* rdtsc and rdtscp: read back to back, in a function inlined at many places, in a child, and as a random seed. */
#include "guest.h"

#include <sys/prctl.h>

static inline __attribute__((always_inline)) uint64_t rdtsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

static inline __attribute__((always_inline)) uint64_t rdtscp(uint32_t *aux) {
  uint32_t low, high;
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*aux));
  return (uint64_t)high << 32 | low;
}

int main(void) {
  int mode = -1;
  CHECK_SYS(prctl(PR_GET_TSC, &mode));
  printf("TSC mode %d\n", mode);
  uint64_t last = 0;
  for (int i = 0; i < 500; i++) {
    uint32_t aux = 0xeeeeeeee;
    uint64_t a = rdtsc(), b = rdtscp(&aux), c = rdtsc();
    /* One clock for all processors, or nearly: small steps back are not this test's business. */
    CHECK(b + 1000000 > a && c + 1000000 > b && a + 1000000 > last);
    CHECK(aux != 0xeeeeeeee);
    last = c;
    MIX(a);
    MIX(aux);
  }
  printf("%llu\n", (unsigned long long)last);

  /* The upper halves of the registers are cleared. */
  uint64_t rax = ~0ull, rdx = ~0ull, rcx = ~0ull;
  __asm__ volatile("rdtscp" : "+a"(rax), "+d"(rdx), "+c"(rcx));
  CHECK(rax >> 32 == 0 && rdx >> 32 == 0 && rcx >> 32 == 0);
  MIX(rax);

  int ends[2];
  CHECK_SYS(pipe(ends));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    uint64_t own = rdtsc();
    CHECK(write(ends[1], &own, sizeof(own)) == sizeof(own));
    _exit(0);
  }
  uint64_t other;
  CHECK(read(ends[0], &other, sizeof(other)) == sizeof(other));
  wait_ok(child);
  printf("the child read %llu\n", (unsigned long long)other);

  /* Hash tables seeded by the clock: the order of a walk depends on it. */
  uint64_t seed = rdtsc() * 0x9e3779b97f4a7c15u;
  for (int i = 0; i < 8; i++)
    printf("%llu ", (unsigned long long)(seed >> (8 * i) & 0xff));
  printf("\n");
  return done();
}
