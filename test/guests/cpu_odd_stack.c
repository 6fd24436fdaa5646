/*
 * System calls where the stack is no place to work: live data in the red zone, an unaligned rsp, an rsp into a
 * read-only page, into a page that isn't there, and a value that is no address at all.
 */
#include "guest.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* A system call made with rsp set to `stack`. No memory is touched in between. */
static inline __attribute__((always_inline)) long call_on(uint64_t stack, long number, long a, long b) {
  long result = number;
  register uint64_t saved __asm__("r12");
  __asm__ volatile("mov %%rsp, %[saved]; mov %[stack], %%rsp; syscall; mov %[saved], %%rsp"
                   : "+a"(result), [saved] "=&r"(saved)
                   : [stack] "r"(stack), "D"(a), "S"(b)
                   : "rcx", "r11", "memory");
  return result;
}

/*
 * 16 words below rsp survive a system call: leaf functions keep their variables there. So may this one: hence the 512
 * bytes of distance.
 */
static __attribute__((noinline)) uint64_t red_zone(long number, long a, long b) {
  uint64_t words[16], wrong = 0;
  for (uint64_t i = 0; i < 16; i++)
    words[i] = i * 0x1111111111111111u;
  __asm__ volatile("sub $512, %%rsp; mov $0, %%r13\n"
                   "1: mov (%[words], %%r13, 8), %%r14; neg %%r13; mov %%r14, -8(%%rsp, %%r13, 8); neg %%r13\n"
                   "inc %%r13; cmp $16, %%r13; jne 1b\n"
                   "syscall\n"
                   "mov $0, %%r13\n"
                   "2: neg %%r13; mov -8(%%rsp, %%r13, 8), %%r14; neg %%r13; xor (%[words], %%r13, 8), %%r14\n"
                   "or %%r14, %[wrong]; inc %%r13; cmp $16, %%r13; jne 2b\n"
                   "add $512, %%rsp"
                   : "+a"(number), [wrong] "+r"(wrong)
                   : [words] "r"(words), "D"(a), "S"(b)
                   : "rcx", "r11", "r13", "r14", "memory", "cc");
  MIX(number);
  return wrong;
}

int main(void) {
  static struct {
    long words[64];
  } buffer;
  for (int i = 0; i < 20; i++) {
    CHECK(red_zone(SYS_getpid, 0, 0) == 0);
    CHECK(red_zone(SYS_clock_gettime, 1, (long)&buffer) == 0);
    CHECK(red_zone(SYS_uname, (long)&buffer, 0) == 0);
    CHECK(red_zone(SYS_sched_yield, 0, 0) == 0);
  }
  MIX(buffer);

  char *pages = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(pages, 's', 3 * 4096);
  CHECK_SYS(mprotect(pages, 4096, PROT_READ));
  CHECK_SYS(munmap(pages + 8192, 4096));
  const uint64_t stacks[] = {(uintptr_t)pages + 4096 + 8,  (uintptr_t)pages + 4096 + 2049, (uintptr_t)pages + 4096,
                             (uintptr_t)pages + 2048,      (uintptr_t)pages + 8192 + 100,  8, 0,
                             0x123456789abcdef0u,          ~0ull};
  pid_t self = getpid();
  for (int turn = 0; turn < 10; turn++)
    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
      CHECK(call_on(stacks[i], SYS_getpid, 0, 0) == self);
      CHECK(call_on(stacks[i], SYS_clock_gettime, 1, (long)&buffer) == 0);
      MIX(buffer);
    }
  /* Nobody wrote there. */
  for (int i = 0; i < 8192; i++)
    CHECK(pages[i] == 's');
  printf("%p\n", (void *)pages);
  return done();
}
