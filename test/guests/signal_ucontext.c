/* A handler that changes the interrupted registers: result, flags, instruction pointer, vector registers, mask. */
#include "guest_tasks.h"

#include <ucontext.h>

static volatile int mode;
static unsigned long resume_at;

enum { SET_RAX = 1, SET_CARRY, SKIP_TO, SET_XMM, SET_MASK, SET_RBX };

static void on_signal(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  greg_t *registers = context->uc_mcontext.gregs;
  (void)signal, (void)info;
  MIX(context->uc_mcontext.gregs);
  switch (mode) {
  case SET_RAX:
    registers[REG_RAX] = 424242;
    break;
  case SET_CARRY:
    registers[REG_EFL] ^= 1;
    break;
  case SKIP_TO:
    registers[REG_RIP] = resume_at;
    break;
  case SET_XMM:
    for (int i = 0; i < 4; i++)
      context->uc_mcontext.fpregs->_xmm[5].element[i] = 0x01010101 * (i + 1);
    break;
  case SET_MASK:
    sigaddset(&context->uc_sigmask, SIGUSR2);
    break;
  case SET_RBX:
    registers[REG_RBX] = 0x1122334455667788;
    registers[REG_R12] = ~registers[REG_R12];
    break;
  }
}

static long signal_self(int signal) { return raw_syscall(SYS_tgkill, getpid(), gettid(), signal, 0, 0, 0); }

/* The carry flag after a syscall during which a signal was handled. */
static int carry_after_signal(int carry_before) {
  unsigned char carry;
  long result = SYS_tgkill;
  __asm__ volatile("cmpl $1, %[before]\n\t"
                   "cmc\n\t"
                   "syscall\n\t"
                   "setc %[carry]"
                   : [carry] "=r"(carry), "+a"(result)
                   : [before] "r"(carry_before), "D"((long)getpid()), "S"((long)gettid()), "d"((long)SIGUSR1)
                   : "rcx", "r11", "memory", "cc");
  CHECK(result == 0);
  return carry;
}

static int skips(void) {
  int passed = 0;
  __asm__ volatile("leaq 2f(%%rip), %%rax\n\t"
                   "movq %%rax, %[resume]\n\t"
                   "xorl %%eax, %%eax\n\t"
                   "movq (%%rax), %%rax\n\t"
                   "addl $100, %[passed]\n\t"
                   "2: addl $1, %[passed]"
                   : [passed] "+r"(passed), [resume] "=m"(resume_at)
                   :
                   : "rax", "memory", "cc");
  return passed;
}

static void vector(unsigned *out) {
  long result = SYS_tgkill;
  __asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\t"
                   "syscall\n\t"
                   "movdqu %%xmm5, (%[out])"
                   : "+a"(result)
                   : [out] "r"(out), "D"((long)getpid()), "S"((long)gettid()), "d"((long)SIGUSR1)
                   : "rcx", "r11", "xmm5", "memory");
}

static void general(unsigned long *rbx, unsigned long *r12) {
  unsigned long b = 1, twelve = 0xff;
  __asm__ volatile("movq %[b], %%rbx\n\t"
                   "movq %[twelve], %%r12\n\t"
                   "movl %[number], %%eax\n\t"
                   "syscall\n\t"
                   "movq %%rbx, %[b]\n\t"
                   "movq %%r12, %[twelve]"
                   : [b] "+r"(b), [twelve] "+r"(twelve)
                   : [number] "i"(SYS_tgkill), "D"((long)getpid()), "S"((long)gettid()), "d"((long)SIGUSR1)
                   : "rax", "rbx", "r12", "rcx", "r11", "memory");
  *rbx = b;
  *r12 = twelve;
}

int main(void) {
  handle(SIGUSR1, on_signal, 0);
  handle(SIGSEGV, on_signal, 0);
  mode = SET_RAX;
  CHECK(signal_self(SIGUSR1) == 424242);
  mode = SET_CARRY;
  CHECK(carry_after_signal(0) != carry_after_signal(1));
  int toggled = carry_after_signal(0);
  mode = 0;
  CHECK(carry_after_signal(0) != toggled);
  mode = SKIP_TO;
  CHECK(skips() == 1);
  mode = SET_XMM;
  unsigned lanes[4];
  vector(lanes);
  CHECK(lanes[0] == 0x01010101 && lanes[3] == 0x04040404);
  mode = SET_MASK;
  signal_self(SIGUSR1);
  sigset_t mask;
  CHECK_SYS(sigprocmask(SIG_BLOCK, NULL, &mask));
  CHECK(sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGUSR1));
  mode = SET_RBX;
  unsigned long rbx, r12;
  general(&rbx, &r12);
  CHECK(rbx == 0x1122334455667788 && r12 == ~0xfful);
  return done();
}
