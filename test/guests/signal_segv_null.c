/* Faults that a handler leaves by siglongjmp: reads, writes and jumps to addresses that are wrong in different ways. */
#include "guest_tasks.h"

#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf out;
static volatile int seen;
static volatile siginfo_t info_copy;
static volatile greg_t trap, error_code, rip;

static void on_segv(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  (void)signal;
  info_copy = *info;
  seen = 1;
  trap = context->uc_mcontext.gregs[REG_TRAPNO];
  error_code = context->uc_mcontext.gregs[REG_ERR];
  rip = context->uc_mcontext.gregs[REG_RIP];
  siglongjmp(out, 1);
}

static void expect(const char *what, void *address, int code, int trap_number) {
  printf("%s: addr %p code %d trap %lld error %#llx\n", what, info_copy.si_addr, info_copy.si_code, trap, error_code);
  CHECK(seen && info_copy.si_addr == address && info_copy.si_code == code && trap == trap_number);
  seen = 0;
}

#define FAULTS(statement)                                                                                              \
  do {                                                                                                                 \
    if (sigsetjmp(out, 1) == 0) {                                                                                      \
      statement;                                                                                                       \
      CHECK(0 && "no fault");                                                                                          \
    }                                                                                                                  \
  } while (0)

static void load(const volatile void *address) {
  __asm__ volatile("movb (%0), %%al" : : "r"(address) : "rax", "memory");
}
static void store(volatile void *address) { __asm__ volatile("movb $1, (%0)" : : "r"(address) : "memory"); }

static const char constant[] = "read only";

int main(void) {
  handle(SIGSEGV, on_segv, 0);
  for (int i = 0; i < 100; i++) {
    FAULTS(load((void *)(uintptr_t)(i * 8)));
    CHECK(info_copy.si_addr == (void *)(uintptr_t)(i * 8));
    greg_t at = rip;
    MIX(at);
  }
  FAULTS(load(NULL));
  expect("null", NULL, SEGV_MAPERR, 14);
  FAULTS(store((void *)constant));
  expect("constant", (void *)constant, SEGV_ACCERR, 14);
  FAULTS(((void (*)(void))8)());
  expect("jump to 8", (void *)8, SEGV_MAPERR, 14);
  CHECK(rip == 8);
  char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(data != MAP_FAILED);
  data[16] = (char)0xc3;
  FAULTS(((void (*)(void))(data + 16))());
  expect("jump to data", data + 16, SEGV_ACCERR, 14);
  /* Not canonical: a general protection fault, whose address is lost. */
  FAULTS(load((void *)0x8000000000000000));
  expect("non-canonical", NULL, SI_KERNEL, 13);
  FAULTS(load((void *)0xffffffff81000000));
  expect("kernel", (void *)0xffffffff81000000, SEGV_MAPERR, 14);
  FAULTS(__asm__ volatile("hlt"));
  expect("hlt", NULL, SI_KERNEL, 13);
  CHECK_SYS(munmap(data, 4096));
  FAULTS(load(data));
  expect("unmapped", data, SEGV_MAPERR, 14);

  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    signal(SIGSEGV, SIG_DFL);
    store(NULL);
    _exit(1);
  }
  wait_killed(pid, SIGSEGV);
  return done();
}
