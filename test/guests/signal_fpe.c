/* SIGFPE from integer and floating-point instructions, with its codes, left by siglongjmp or by changing the operand.
 */
#include "guest_tasks.h"

#include <fenv.h>
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf out;
static volatile int code;
static void *volatile address;

static void on_fpe(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  code = info->si_code;
  address = info->si_addr;
  siglongjmp(out, 1);
}

static volatile int fixed;

/* The divisor is in ecx. */
static void fix_divisor(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  (void)signal, (void)info;
  context->uc_mcontext.gregs[REG_RCX] = 7;
  fixed++;
}

static int divide(int dividend, int divisor) {
  int quotient = dividend, high = dividend >> 31;
  __asm__ volatile("idivl %%ecx" : "+a"(quotient), "+d"(high) : "c"(divisor) : "cc");
  return quotient;
}

static volatile double zero = 0, one = 1, huge = 1e308, tiny = 1e-308;
static volatile long double long_zero = 0, long_one = 1;
static volatile double result;
static volatile long double long_result;

int main(void) {
  handle(SIGFPE, on_fpe, 0);
  if (sigsetjmp(out, 1) == 0)
    divide(1, 0);
  CHECK(code == FPE_INTDIV);
  printf("division at %p\n", address);
  code = 0;
  if (sigsetjmp(out, 1) == 0)
    divide(INT_MIN, -1);
  CHECK(code == FPE_INTDIV);

  feclearexcept(FE_ALL_EXCEPT);
  static const struct {
    int except, expected;
  } floats[] = {{FE_DIVBYZERO, FPE_FLTDIV},
                {FE_OVERFLOW, FPE_FLTOVF},
                {FE_UNDERFLOW, FPE_FLTUND},
                {FE_INEXACT, FPE_FLTRES},
                {FE_INVALID, FPE_FLTINV}};
  for (volatile size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
    code = 0;
    if (sigsetjmp(out, 1) == 0) {
      CHECK(feenableexcept(floats[i].except) == 0);
      switch (floats[i].except) {
      case FE_DIVBYZERO:
        result = one / zero;
        break;
      case FE_OVERFLOW:
        result = huge * huge;
        break;
      case FE_UNDERFLOW:
        result = tiny * tiny;
        break;
      case FE_INEXACT:
        result = one / 3;
        break;
      case FE_INVALID:
        result = zero / zero;
        break;
      }
      CHECK(0 && "no exception");
    }
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    printf("float exception code %d at %p\n", code, address);
    CHECK(code == floats[i].expected);
  }
  /* x87 reports at the next x87 instruction. */
  code = 0;
  if (sigsetjmp(out, 1) == 0) {
    feenableexcept(FE_DIVBYZERO);
    long_result = long_one / long_zero;
    __asm__ volatile("fwait");
    CHECK(0 && "no exception");
  }
  fedisableexcept(FE_ALL_EXCEPT);
  __asm__ volatile("fninit");
  CHECK(code == FPE_FLTDIV);

  handle(SIGFPE, fix_divisor, 0);
  CHECK(divide(49, 0) == 7 && fixed == 1);
  signal(SIGFPE, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    divide(1, 0);
    _exit(1);
  }
  wait_killed(pid, SIGFPE);
  return done();
}
