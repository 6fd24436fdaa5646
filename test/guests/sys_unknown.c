/* Numbers that are no system calls, holes in the table, the x32 bit: always ENOSYS, and the registers survive. */
#include "guest.h"

#include <sys/syscall.h>

int main(void) {
  /* 335 and 336 are none for a program either, but there newer kernels answer with SIGILL (uretprobe, uprobe). */
  static const long numbers[] = {-1, 387, 400, 423, 511, 546, 600, 999, 1000, 4095, 1 << 20, INT_MAX, 0x40000000 | 39};
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    errno = 0;
    long result = syscall(numbers[i], 1, 2, 3, 4, 5, 6);
    printf("%ld: %ld errno %d\n", numbers[i], result, errno);
    CHECK(result == -1 && errno == ENOSYS);
  }
  /* Only the low half of rax counts: this is getpid. */
  uint64_t result = 0xffffffff00000000u | SYS_getpid, rdi = 0x1111, rsi = 0x2222, rdx = 0x3333;
  register uint64_t r10 __asm__("r10") = 0x4444;
  register uint64_t r8 __asm__("r8") = 0x5555;
  register uint64_t r9 __asm__("r9") = 0x6666;
  uint64_t rcx, rbx = 0x7777, r12 = 0x8888;
  register uint64_t r11 __asm__("r11");
  __asm__ volatile("mov %[b], %%rbx; mov %[t], %%r12; syscall; mov %%rbx, %[b]; mov %%r12, %[t]"
                   : "+a"(result), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9), "=c"(rcx), "=r"(r11),
                     [b] "+m"(rbx), [t] "+m"(r12)::"rbx", "r12", "memory");
  /* Copied before any call reuses the registers. rcx holds the return address and r11 the flags. */
  uint64_t after[] = {rdi, rsi, rdx, r10, r8, r9, rbx, r12}, flags = r11;
  static const uint64_t before[] = {0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666, 0x7777, 0x8888};
  CHECK(memcmp(after, before, sizeof(before)) == 0);
  CHECK(rcx > 4096 && (flags & 2) == 2);
  printf("with garbage above: %lld\n", (long long)result);
  CHECK((pid_t)result == getpid());
  return done();
}
