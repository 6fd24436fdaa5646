/* rdtsc and rdtscp in a function that .eh_frame does not describe, and their bytes in others that it does. */
#include "guest.h"

#include <time.h>

uint64_t undescribed(void);
uint64_t undescribed_p(void);
__asm__(".pushsection .text\n"
        "undescribed:\n"
        "  rdtsc\n"
        "  shl $32, %rdx\n"
        "  or %rdx, %rax\n"
        "  ret\n"
        "undescribed_p:\n"
        "  rdtscp\n"
        "  shl $32, %rdx\n"
        "  or %rdx, %rax\n"
        "  ret\n"
        ".popsection\n");

static __attribute__((noinline)) uint32_t bytes_of_both(uint32_t value) {
  uint32_t out;
  __asm__ volatile("mov %1, %0; xor $0xf9010f31, %0; xor $0x0f310f01, %0" : "=&r"(out) : "r"(value));
  return out;
}

int main(void) {
  CHECK(bytes_of_both(0) == (0xf9010f31 ^ 0x0f310f01));
  uint64_t last = 0;
  for (int i = 0; i < 100; i++) {
    struct timespec now;
    uint64_t one = undescribed(), other = undescribed_p();
    CHECK(other + 1000000 > one && one + 1000000 > last);
    last = other;
    MIX(one);
    MIX(other);
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    MIX(now);
  }
  printf("%llu\n", (unsigned long long)last);
  return done();
}
