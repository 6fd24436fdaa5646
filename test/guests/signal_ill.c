/* Illegal instructions that a handler skips: ud2, a misplaced lock prefix, a privileged one. */
#include "guest_tasks.h"

#include <ucontext.h>

static volatile int seen, code, length;
static void *volatile address;

static void skip_instruction(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  seen = signal;
  code = info->si_code;
  address = info->si_addr;
  CHECK(signal != SIGILL || address == (void *)context->uc_mcontext.gregs[REG_RIP]);
  context->uc_mcontext.gregs[REG_RIP] += length;
  context->uc_mcontext.gregs[REG_RAX] = 1000 + code;
}

#define SKIPS(bytes, size)                                                                                             \
  ({                                                                                                                   \
    long result_ = 0;                                                                                                  \
    length = size;                                                                                                     \
    seen = 0;                                                                                                          \
    __asm__ volatile(".byte " bytes : "+a"(result_) : : "memory", "cc");                                               \
    result_;                                                                                                           \
  })

int main(void) {
  handle(SIGILL, skip_instruction, 0);
  handle(SIGSEGV, skip_instruction, 0);
  for (int i = 0; i < 50; i++) {
    CHECK(SKIPS("0x0f, 0x0b", 2) == 1000 + ILL_ILLOPN);
    CHECK(seen == SIGILL);
  }
  printf("ud2 at %p\n", address);
  /* lock nop */
  CHECK(SKIPS("0xf0, 0x90", 2) == 1000 + ILL_ILLOPN && seen == SIGILL);
  /* ud1 %eax, %eax */
  CHECK(SKIPS("0x0f, 0xb9, 0xc0", 3) == 1000 + ILL_ILLOPN && seen == SIGILL);
  /* Long mode has no push %cs */
  CHECK(SKIPS("0x0e", 1) == 1000 + ILL_ILLOPN && seen == SIGILL);
  /* cli */
  CHECK(SKIPS("0xfa", 1) == 1000 + SI_KERNEL && seen == SIGSEGV);
  /* in $0x80, %al */
  CHECK(SKIPS("0xe4, 0x80", 2) == 1000 + SI_KERNEL && seen == SIGSEGV);
  /* mov %cr0, %rax */
  CHECK(SKIPS("0x0f, 0x20, 0xc0", 3) == 1000 + SI_KERNEL && seen == SIGSEGV);

  signal(SIGILL, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    __builtin_trap();
  }
  wait_killed(pid, SIGILL);
  return done();
}
