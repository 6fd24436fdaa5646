/*
 * Points in code that a compiler has made at run time: around it all memory within reach of a jump is reserved, and the
 * compiler still writes to its page now and then.
 */
#include "guest_tasks.h"

#include <sys/mman.h>
#include <sys/time.h>

enum { TICKS = 6, LOOPS = 3 };

static volatile sig_atomic_t ticks;
static uint64_t counts[LOOPS][TICKS];
/* There from the beginning: a signal may come before the first loop. */
static uint64_t *volatile count = counts[0];

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (ticks < TICKS)
    count[ticks] = (uint64_t)regs[REG_RIP] * 31 + (uint64_t)regs[REG_RAX] * 37 + (uint64_t)regs[REG_RCX];
  ticks++;
}

/* An instruction begins at one of the bytes that a jump over the loop's first instructions would have. */
static const unsigned char LOOP_CODE[LOOPS][16] = {
    {0x48, 0xff, 0xc0, 0xff, 0xc9, 0x75, 0xf9, 0xc3},             /* inc rax; dec ecx; jnz; ret */
    {0x48, 0x8d, 0x40, 0x03, 0xff, 0xc9, 0x75, 0xf8, 0xc3},       /* lea rax, [rax+3]; dec ecx; jnz; ret */
    {0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc9, 0x75, 0xf8, 0xc3},       /* inc eax twice; dec ecx; jnz; ret */
};

int main(void) {
  const size_t all = (size_t)5 << 30;
  char *reserve = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserve == MAP_FAILED)
    skip("no 5 GiB can be reserved");
  unsigned char *page = (unsigned char *)reserve + all / 2;
  CHECK_SYS(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));

  struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  struct itimerval timer = {.it_value.tv_usec = 5000, .it_interval.tv_usec = 5000}, off = {0};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  uint64_t sum = 0;
  for (int i = 0; i < LOOPS; i++) {
    count = counts[i];
    ticks = 0;
    unsigned char *code = page + 64 * i;
    memcpy(code, LOOP_CODE[i], sizeof(LOOP_CODE[i]));
    for (uint32_t rounds = 1; ticks < TICKS; rounds++) {
      uint64_t rax = sum;
      uint32_t rcx = 2000000;
      __asm__ volatile("call *%2" : "+a"(rax), "+c"(rcx) : "r"(code) : "cc", "memory");
      sum = rax;
      /* What the compiler notes of its code lies next to it. */
      if (rounds % 4 == 0)
        memcpy(page + 2048, &rounds, sizeof(rounds));
    }
  }
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  MIX(sum);
  MIX(counts);
  return done();
}
