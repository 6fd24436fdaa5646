/* mprotect: faults caught with siglongjmp, the address and code in siginfo, splits and merges, code made executable. */
#include "guest.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf escape;
static volatile siginfo_t caught;

static void handler(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  caught = *info;
  siglongjmp(escape, 1);
}

/* 0 if the store worked, else the si_code of the fault it made. */
static int store(volatile char *p) {
  if (sigsetjmp(escape, 1) == 0) {
    *p = 's';
    return 0;
  }
  CHECK(caught.si_addr == (void *)p && caught.si_signo == SIGSEGV);
  return caught.si_code;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  CHECK_SYS(sigaction(SIGSEGV, &action, NULL));
  char *p = CHECK_SYS(mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(p, 'o', 8 * 4096);

  CHECK_SYS(mprotect(p + 4096, 2 * 4096, PROT_READ));
  CHECK(store(p + 4095) == 0 && store(p + 4096) == SEGV_ACCERR && store(p + 3 * 4096 - 1) == SEGV_ACCERR);
  CHECK(store(p + 3 * 4096) == 0 && p[4096] == 'o');
  CHECK_SYS(mprotect(p + 4096, 4096, PROT_NONE));
  if (sigsetjmp(escape, 1) == 0) {
    (void)*(volatile char *)(p + 5000);
    CHECK(!"read of an inaccessible page");
  }
  CHECK(caught.si_code == SEGV_ACCERR && caught.si_addr == p + 5000);
  CHECK_SYS(mprotect(p, 8 * 4096, PROT_READ | PROT_WRITE));
  CHECK(store(p + 4096) == 0 && p[4097] == 'o');

  CHECK_SYS(munmap(p + 6 * 4096, 4096));
  CHECK(store(p + 6 * 4096) == SEGV_MAPERR);
  /* The part before the hole is changed even though the call fails. */
  CHECK_ERRNO(mprotect(p + 5 * 4096, 3 * 4096, PROT_READ), ENOMEM);
  printf("before the hole: %d, after: %d\n", store(p + 5 * 4096), store(p + 7 * 4096));
  CHECK_ERRNO(mprotect(p + 1, 4096, PROT_READ), EINVAL);
  CHECK_ERRNO(mprotect(p, 4096, 0x40), EINVAL);
  CHECK(store(NULL) == SEGV_MAPERR);

  /* A page written, made executable, run, written again. */
  unsigned char *code = (unsigned char *)p;
  int (*function)(void) = (int (*)(void))(uintptr_t)code;
  for (int i = 1; i <= 50; i++) {
    CHECK_SYS(mprotect(code, 4096, PROT_READ | PROT_WRITE));
    code[0] = 0xb8;
    memcpy(code + 1, &i, 4);
    code[5] = 0xc3;
    CHECK_SYS(mprotect(code, 4096, PROT_READ | PROT_EXEC));
    CHECK(function() == i);
  }
  mix(p, 6 * 4096);
  printf("last fault at %p, page at %p\n", caught.si_addr, (void *)p);
  return done();
}
