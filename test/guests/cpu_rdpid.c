/* The processor's number without a system call: rdpid, where announced; it cannot be trapped. */
#include "guest.h"

#include <cpuid.h>
#include <sched.h>

int main(void) {
  uint32_t a, b, c = 0, d;
  if (__get_cpuid_max(0, NULL) >= 7)
    __cpuid_count(7, 0, a, b, c, d);
  if (!(c >> 22 & 1)) {
    printf("not announced\n");
    return done();
  }
  for (int i = 0; i < 200; i++) {
    uint64_t aux;
    __asm__ volatile("rdpid %0" : "=r"(aux));
    MIX(aux);
    CHECK_SYS(sched_yield());
    if (i % 50 == 0)
      printf("processor %llu\n", (unsigned long long)(aux & 0xfff));
  }
  return done();
}
