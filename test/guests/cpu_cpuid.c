/*
 * cpuid: identification, features, sizes; what a program decides by it. Random instructions are used where announced.
 */
#include "guest.h"

#include <cpuid.h>
#include <sys/syscall.h>

static void show(uint32_t leaf, uint32_t part) {
  uint32_t words[4];
  __cpuid_count(leaf, part, words[0], words[1], words[2], words[3]);
  printf("%08x.%u: %08x %08x %08x %08x\n", leaf, part, words[0], words[1], words[2], words[3]);
}

int main(void) {
  uint32_t a, b, c, d, highest;
  __cpuid(0, highest, b, c, d);
  char vendor[13] = "";
  memcpy(vendor, &b, 4);
  memcpy(vendor + 4, &d, 4);
  memcpy(vendor + 8, &c, 4);
  printf("vendor %s, leaves to %u\n", vendor, highest);
  CHECK(highest >= 1);
  static const uint32_t leaves[] = {1, 2, 4, 7, 0xb, 0xd, 0x15, 0x16, 0x40000000, 0x80000000, 0x80000001, 0x80000002,
                                    0x80000003, 0x80000004, 0x80000008, 0xffffffff};
  for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
    for (uint32_t part = 0; part < 3; part++)
      show(leaves[i], part);

  /* rbx is preserved by position-independent code around the instruction; upper halves are cleared. */
  uint64_t rax = 0xffffffff00000000u, rbx = ~0ull, rcx = 0xffffffff00000000u, rdx = ~0ull;
  __asm__ volatile("cpuid" : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx));
  CHECK(rax == highest && rbx >> 32 == 0 && rcx >> 32 == 0 && rdx >> 32 == 0);

  __cpuid(1, a, b, c, d);
  printf("announced: RDRAND %u, XSAVE %u, AVX %u\n", c >> 30 & 1, c >> 27 & 1, c >> 28 & 1);
  if (c & bit_OSXSAVE) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    printf("XCR0 %08x%08x\n", high, low);
    CHECK(low & 1);
  }
  /* No recorder can trap these two, so one that hides them must hide them here. */
  if (c & bit_RDRND) {
    uint64_t random = 0;
    unsigned char valid = 0;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(random), "=qm"(valid)::"cc");
    MIX(random);
  }
  if (highest >= 7) {
    __cpuid_count(7, 0, a, b, c, d);
    printf("announced: RDSEED %u, RTM %u, RDPID %u\n", b >> 18 & 1, b >> 11 & 1, c >> 22 & 1);
    if (b & bit_RDSEED) {
      uint64_t random = 0;
      unsigned char valid = 0;
      __asm__ volatile("rdseed %0; setc %1" : "=r"(random), "=qm"(valid)::"cc");
      MIX(random);
    }
  }
  for (int i = 0; i < 300; i++) {
    __cpuid(0, a, b, c, d);
    CHECK(a == highest && memcmp(vendor, &b, 4) == 0);
  }
  errno = 0;
  long state = syscall(SYS_arch_prctl, 0x1011 /* ARCH_GET_CPUID */, 0);
  printf("cpuid allowed: %ld errno %d\n", state, errno);
  return done();
}
