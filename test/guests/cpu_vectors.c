/* Vector and x87 state across system calls: an agent inside the program must leave it alone. */
#include "guest.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

__attribute__((target("avx"))) static void wide(const unsigned char *in, unsigned char *out, long number, long a,
                                                long b) {
  __asm__ volatile(
      "vmovdqu 0(%[in]), %%ymm0; vmovdqu 32(%[in]), %%ymm1; vmovdqu 64(%[in]), %%ymm7; vmovdqu 96(%[in]), %%ymm15\n"
      "syscall\n"
      "vmovdqu %%ymm0, 0(%[out]); vmovdqu %%ymm1, 32(%[out]); vmovdqu %%ymm7, 64(%[out]); vmovdqu %%ymm15, 96(%[out])\n"
      "vzeroupper"
      : "+a"(number)
      : [in] "r"(in), [out] "r"(out), "D"(a), "S"(b)
      : "rcx", "r11", "xmm0", "xmm1", "xmm7", "xmm15", "memory");
}

static void narrow(const unsigned char *in, unsigned char *out, long number, long a, long b) {
  __asm__ volatile(
      "movdqu 0(%[in]), %%xmm0; movdqu 32(%[in]), %%xmm1; movdqu 64(%[in]), %%xmm7; movdqu 96(%[in]), %%xmm15\n"
      "syscall\n"
      "movdqu %%xmm0, 0(%[out]); movdqu %%xmm1, 32(%[out]); movdqu %%xmm7, 64(%[out]); movdqu %%xmm15, 96(%[out])"
      : "+a"(number)
      : [in] "r"(in), [out] "r"(out), "D"(a), "S"(b)
      : "rcx", "r11", "xmm0", "xmm1", "xmm7", "xmm15", "memory");
}

int main(void) {
  unsigned char in[128], out[128];
  struct timespec now;
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  __builtin_cpu_init();
  int has_avx = __builtin_cpu_supports("avx");
  printf("AVX: %s\n", has_avx ? "yes" : "no");
  uint32_t control, other = 0x5f80;
  __asm__ volatile("stmxcsr %0" : "=m"(control));
  uint16_t x87, x87_other = 0x0c7f;
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  printf("control words %#x %#x\n", control, x87);
  for (int i = 0; i < 200; i++) {
    CHECK(read(random, in, sizeof(in)) == sizeof(in));
    long number = i % 3 == 0 ? SYS_clock_gettime : i % 3 == 1 ? SYS_sched_yield : SYS_getppid;
    narrow(in, out, number, CLOCK_MONOTONIC, (long)&now);
    for (int part = 0; part < 4; part++)
      CHECK(memcmp(in + part * 32, out + part * 32, 16) == 0);
    if (has_avx) {
      wide(in, out, number, CLOCK_MONOTONIC, (long)&now);
      CHECK(memcmp(in, out, sizeof(in)) == 0);
    }
    MIX(out);

    /* Rounding towards zero, and a value on the x87 stack. */
    uint32_t got = 0;
    uint16_t x87_got = 0;
    double value = 0;
    long result = SYS_sched_yield;
    __asm__ volatile("ldmxcsr %[other]; fldcw %[x87_other]; fldpi; syscall; fstpl %[value]; fnstcw %[x87_got]\n"
                     "stmxcsr %[got]; ldmxcsr %[control]; fldcw %[x87]"
                     : "+a"(result), [got] "=m"(got), [x87_got] "=m"(x87_got), [value] "=m"(value)
                     : [other] "m"(other), [x87_other] "m"(x87_other), [control] "m"(control), [x87] "m"(x87)
                     : "rcx", "r11", "memory");
    CHECK(got == other && x87_got == x87_other && value > 3.14159 && value < 3.1416);
  }
  return done();
}
