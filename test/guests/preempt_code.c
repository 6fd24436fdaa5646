/*
 * Points in code of every kind: loops of short instructions, jumps into the midst of others, calls and returns, string
 * instructions, state in vector registers alone, code that is written while it runs.
 */
#include "guest_tasks.h"

#include <sys/mman.h>
#include <sys/time.h>

enum { TICKS = 12 };

static volatile sig_atomic_t ticks;
static uint64_t counts[16][TICKS];
/* There from the beginning: a signal may come before the first loop. */
static uint64_t *volatile count = counts[0];
static volatile uint64_t stop;

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (ticks == TICKS)
    return;
  count[ticks] = (uint64_t)regs[REG_RIP] * 31 + (uint64_t)regs[REG_RAX] * 37 + (uint64_t)regs[REG_RCX];
  if (++ticks == TICKS)
    stop = 1;
}

#define RUN(number, ...)                                                                                               \
  do {                                                                                                                 \
    count = counts[number];                                                                                            \
    ticks = 0;                                                                                                         \
    stop = 0;                                                                                                          \
    while (!stop) {                                                                                                    \
      __VA_ARGS__;                                                                                                     \
    }                                                                                                                  \
  } while (0)

#define LONG_LOOP "movl $3000000, %%ecx\n"

static char from[1 << 20], to[1 << 20];

__attribute__((noinline)) static void leaf(void) { __asm__ volatile("nop"); }

int main(void) {
  struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  struct itimerval timer = {.it_value.tv_usec = 1500, .it_interval.tv_usec = 1500}, off = {0};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));

  RUN(0, __asm__ volatile(LONG_LOOP "1: dec %%ecx\n jnz 1b" ::: "rcx", "cc"));
  RUN(1, __asm__ volatile(LONG_LOOP "xorl %%eax, %%eax\n1: inc %%eax\n loop 1b" ::: "rcx", "rax", "cc"));
  /* One byte each, and jumps to each of them. */
  RUN(2, __asm__ volatile(LONG_LOOP "1: testb $1, %%cl\n jz 3f\n testb $2, %%cl\n jz 4f\n"
                                    "2: nop\n3: nop\n4: nop\n5: nop\n nop\n dec %%ecx\n jnz 1b" ::: "rcx", "cc"));
  /* Jumps over each other. */
  RUN(3, __asm__ volatile(LONG_LOOP "1: jmp 3f\n2: dec %%ecx\n jnz 1b\n jmp 4f\n3: jmp 2b\n4:" ::: "rcx", "cc"));
  RUN(4, for (volatile int i = 0; i < 300000; i++) leaf());
  RUN(5, void (*volatile f)(void) = leaf; for (volatile int i = 0; i < 300000; i++) f());
  RUN(6, memset(from, (int)ticks, sizeof(from)); void *d = to; const void *s = from; size_t n = sizeof(to);
      __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory"));
  RUN(7, void *d = to; size_t n = sizeof(to) / 8;
      __asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(ticks) : "memory"));
  /* All general registers are the same on every pass. */
  RUN(8, __asm__ volatile("movl $1, %%eax\n movd %%eax, %%xmm1\n movl $3000000, %%eax\n movd %%eax, %%xmm0\n"
                          "xorl %%eax, %%eax\n"
                          "1: psubd %%xmm1, %%xmm0\n ptest %%xmm0, %%xmm0\n jnz 1b" ::: "rax", "xmm0", "xmm1", "cc"));
  /* The flags are all that changes between two points. */
  RUN(9, __asm__ volatile(LONG_LOOP "1: cmpl $77, %%ecx\n setb %%al\n stc\n adcl $-2, %%ecx\n jnz 1b" ::
                              : "rcx", "rax", "cc"));
  /* Calls that push. */
  RUN(10, __asm__ volatile("leaq -128(%%rsp), %%rsp\n" LONG_LOOP "1: pushq %%rcx\n popq %%rax\n dec %%ecx\n jnz 1b\n"
                           "leaq 128(%%rsp), %%rsp" ::: "rcx", "rax", "cc", "memory"));

  /* mov eax, N; add to the sum; N one more; until the counter is 0; ret. */
  unsigned char *code =
      CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  static const unsigned char writes_itself[] = {
      0xb8, 0, 0, 0, 0,                    /* mov eax, N */
      0x01, 0xc6,                          /* add esi, eax */
      0xff, 0x05, 0xf4, 0xff, 0xff, 0xff,  /* inc dword [N] */
      0xff, 0xc9,                          /* dec ecx */
      0x75, 0xef,                          /* jnz to the beginning */
      0x89, 0xf0, 0xc3,                    /* mov eax, esi; ret */
  };
  memcpy(code, writes_itself, sizeof(writes_itself));
  uint64_t sum = 0;
  RUN(11, uint32_t part; __asm__ volatile("xorl %%esi, %%esi\n movl $20000, %%ecx\n call *%1" : "=&a"(part)
                                          : "r"(code) : "rcx", "rsi", "cc", "memory");
      sum += part);

  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  MIX(sum);
  MIX(counts);
  return done();
}
