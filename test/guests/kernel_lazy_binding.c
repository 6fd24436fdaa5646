/* First calls through the PLT while vector registers are in use: the linker saves them all on the stack, where they
 * stay. */
#include "guest_tasks.h"

enum { DEAD = 6144 };

static unsigned char dead[DEAD];
static unsigned char pattern[64] __attribute__((aligned(64)));

/* Calls `function` (unbound until now) with its register set by `load`, then copies what lies below the stack pointer.
 */
#define CALL(load, function, argument)                                                                                 \
  ({                                                                                                                   \
    long result_;                                                                                                      \
    __asm__ volatile("movq %%rsp, %%rbx\n\t"                                                                           \
                     "andq $-64, %%rsp\n\t"                                                                            \
                     "leaq -6144(%%rsp), %%rdi\n\t"                                                                    \
                     "movl $6144, %%ecx\n\t"                                                                           \
                     "xorl %%eax, %%eax\n\t"                                                                           \
                     "rep stosb\n\t" load "movl $" #argument ", %%edi\n\t"                                             \
                     "xorl %%eax, %%eax\n\t"                                                                           \
                     "call " #function "@PLT\n\t"                                                                      \
                     "movq %%rax, %%rdx\n\t"                                                                           \
                     "leaq -6144(%%rsp), %%rsi\n\t"                                                                    \
                     "movq %[dead], %%rdi\n\t"                                                                         \
                     "movl $6144, %%ecx\n\t"                                                                           \
                     "rep movsb\n\t"                                                                                   \
                     "movq %%rbx, %%rsp"                                                                               \
                     : "=&d"(result_)                                                                                  \
                     : [dead] "r"(dead), [pattern] "r"(pattern)                                                        \
                     : "rax", "rbx", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1",    \
                       "xmm7", "xmm15");                                                                               \
    mix(dead, sizeof(dead));                                                                                           \
    result_;                                                                                                           \
  })

#define NOTHING ""
#define XMM "movdqa (%[pattern]), %%xmm0\n\tmovdqa (%[pattern]), %%xmm15\n\t"
#define YMM "vmovdqu (%[pattern]), %%ymm1\n\tvmovdqu (%[pattern]), %%ymm7\n\t"
#define YMM_CLEARED YMM "vzeroupper\n\t"
#define ZMM "vmovdqu64 (%[pattern]), %%zmm7\n\tvmovdqu64 (%[pattern]), %%zmm31\n\t"
#define X87 "fldpi\n\t"

static void show(const char *what) {
  int words = 0;
  for (int i = 0; i < DEAD; i += 8) {
    uint64_t word;
    memcpy(&word, dead + i, 8);
    words += word != 0;
  }
  printf("%s: %d words left, sum %016lx\n", what, words, guest_sum);
}

int main(void) {
  for (int i = 0; i < 64; i++)
    pattern[i] = (unsigned char)(now_us() * (i + 3) >> 3);
  CHECK((int)CALL(NOTHING, abs, 0xffffff85) == 123);
  show("nothing");
  CHECK(CALL(XMM, toupper, 113) == 'Q');
  show("xmm");
  if (__builtin_cpu_supports("avx")) {
    CHECK(CALL(YMM, tolower, 81) == 'q');
    show("ymm");
    CHECK(CALL(YMM_CLEARED, ffs, 0x100) == 9);
    show("ymm cleared");
    __asm__ volatile("vzeroupper" ::: "xmm0");
  }
  if (__builtin_cpu_supports("avx512f")) {
    CHECK((int)CALL(ZMM, isalpha, 52) == 0);
    show("zmm");
    CHECK((int)CALL(ZMM, isdigit, 52) != 0);
    show("zmm again");
    __asm__ volatile("vzeroupper" ::: "xmm0");
  }
  CHECK((int)CALL(X87, isupper, 65) != 0);
  __asm__ volatile("fstp %%st(0)" ::: "memory");
  show("x87");
  /* Bound by now: nothing of the linker's. */
  CHECK((int)CALL(XMM, abs, 0xffffff85) == 123);
  show("bound");
  return done();
}
