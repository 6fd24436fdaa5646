/* SIGTRAP of the program's own: int3, int1, and the trap flag that stops after every instruction. */
#include "guest_tasks.h"

#include <ucontext.h>

static volatile int traps, last_code, stepping;
static volatile unsigned long last_rip, steps_sum;

static void on_trap(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  (void)signal;
  traps++;
  last_code = info->si_code;
  last_rip = context->uc_mcontext.gregs[REG_RIP];
  steps_sum = steps_sum * 31 + last_rip;
  /* Some virtual machines (KVM on AMD) leave the program at an int1, which would trap for ever. */
  if (*(const unsigned char *)last_rip == 0xf1)
    context->uc_mcontext.gregs[REG_RIP]++;
}

int main(void) {
  handle(SIGTRAP, on_trap, 0);
  unsigned long after;
  for (int i = 1; i <= 20; i++) {
    __asm__ volatile("int3\n\tleaq 0f(%%rip), %0\n0:" : "=r"(after) : : "memory");
    CHECK(traps == i);
  }
  /* The frame points behind the instruction, at the lea. */
  CHECK(last_rip < after && after - last_rip <= 8);
  printf("int3: code %d, continues at %#lx\n", last_code, last_rip);
  CHECK(last_code == SI_KERNEL);

  raise(SIGTRAP);
  CHECK(last_code == SI_TKILL);

  traps = 0;
  __asm__ volatile(".byte 0xf1" ::: "memory");
  printf("int1: %d traps, code %d\n", traps, last_code);
  CHECK(traps == 1);

  /* Five instructions with the flag set, then the popf that clears it; the flag takes effect one later. */
  traps = 0;
  long result = 0;
  __asm__ volatile("subq $128, %%rsp\n\t"
                   "pushfq\n\t"
                   "pushfq\n\t"
                   "orl $0x100, (%%rsp)\n\t"
                   "popfq\n\t"
                   "nop\n\t"
                   "addl $3, %k0\n\t"
                   "addl $4, %k0\n\t"
                   "nop\n\t"
                   "imull $6, %k0, %k0\n\t"
                   "popfq\n\t"
                   "addq $128, %%rsp"
                   : "+r"(result)
                   :
                   : "memory", "cc");
  printf("stepped: %d traps, code %d\n", traps, last_code);
  CHECK(result == 42 && traps == 6 && last_code == TRAP_TRACE);
  unsigned long sum = steps_sum;
  MIX(sum);

  signal(SIGTRAP, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    __asm__ volatile("int3");
    _exit(1);
  }
  wait_killed(pid, SIGTRAP);
  signal(SIGTRAP, SIG_IGN);
  pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    raise(SIGTRAP);
    /* Forced, so it kills although it's ignored. */
    __asm__ volatile("int3");
    _exit(1);
  }
  wait_killed(pid, SIGTRAP);
  return done();
}
