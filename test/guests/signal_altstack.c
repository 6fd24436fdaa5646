/* Alternate signal stacks: overflow of the main one, queries from inside, SS_AUTODISARM, one per thread. */
#include "guest_tasks.h"

#include <setjmp.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum { SIZE = 128 << 10 };

static sigjmp_buf out;
static char *volatile stack_low;
static volatile int on_alternate, flags_inside, change_errno;
static void *volatile fault_address;
static volatile long deepest;

static void on_segv(int signal, siginfo_t *info, void *context) {
  char here;
  (void)signal, (void)context;
  on_alternate = &here >= stack_low && &here < stack_low + SIZE;
  fault_address = info->si_addr;
  siglongjmp(out, 1);
}

static long __attribute__((noinline)) recurse(long depth) {
  volatile char frame[4000];
  frame[0] = (char)depth;
  deepest = depth;
  if (depth > 1000000)
    return frame[0];
  return recurse(depth + 1) + frame[0];
}

static void on_usr1(int signal, siginfo_t *info, void *context) {
  stack_t stack;
  char here;
  (void)signal, (void)info, (void)context;
  on_alternate = &here >= stack_low && &here < stack_low + SIZE;
  CHECK_SYS(sigaltstack(NULL, &stack));
  flags_inside = stack.ss_flags;
  stack.ss_flags = SS_DISABLE;
  change_errno = sigaltstack(&stack, NULL) ? errno : 0;
}

static void set_stack(char *low, int flags) {
  stack_t stack = {.ss_sp = low, .ss_size = SIZE, .ss_flags = flags};
  stack_low = low;
  CHECK_SYS(sigaltstack(&stack, NULL));
}

static void overflow(void) {
  handle(SIGSEGV, on_segv, SA_ONSTACK);
  for (int i = 0; i < 3; i++) {
    on_alternate = 0;
    if (sigsetjmp(out, 1) == 0)
      recurse(0);
    CHECK(on_alternate == 1);
    printf("overflow at %p, %ld frames deep\n", fault_address, deepest);
  }
}

static void inside(void) {
  stack_t stack;
  handle(SIGUSR1, on_usr1, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(on_alternate && flags_inside == SS_ONSTACK && change_errno == EPERM);
  handle(SIGUSR1, on_usr1, 0);
  raise(SIGUSR1);
  CHECK(!on_alternate && change_errno == 0);
  /* The handler switched it off, its return switched it on again: the frame holds the settings. */
  CHECK_SYS(sigaltstack(NULL, &stack));
  CHECK(stack.ss_sp == stack_low && stack.ss_flags == 0);

  set_stack(stack_low, SS_AUTODISARM);
  handle(SIGUSR1, on_usr1, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(on_alternate && flags_inside == SS_DISABLE && change_errno == 0);
  /* Armed again by the return. */
  CHECK_SYS(sigaltstack(NULL, &stack));
  CHECK(stack.ss_sp == stack_low && stack.ss_flags == (int)SS_AUTODISARM);
  stack.ss_flags = 0;
  stack.ss_size = 100;
  CHECK_ERRNO(sigaltstack(&stack, NULL), ENOMEM);
  stack.ss_flags = 77;
  CHECK_ERRNO(sigaltstack(&stack, NULL), EINVAL);
}

static void *thread(void *arg) {
  stack_t stack;
  CHECK_SYS(sigaltstack(NULL, &stack));
  CHECK(stack.ss_flags == SS_DISABLE);
  set_stack(arg, 0);
  handle(SIGUSR1, on_usr1, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(on_alternate && flags_inside == SS_ONSTACK);
  return NULL;
}

int main(void) {
  char *memory = mmap(NULL, 3 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  struct rlimit limit;
  CHECK_SYS(getrlimit(RLIMIT_STACK, &limit));
  if (limit.rlim_cur > 64 << 20)
    skip("the stack may grow too far");
  /* Bound now: what lazy binding leaves below the stack pointer is not the same every time, and all of it is summed. */
  if (sigsetjmp(out, 1) == 0)
    siglongjmp(out, 1);
  errno = 0;
  set_stack(memory, 0);
  overflow();
  inside();
  pthread_t id;
  CHECK_ZERO(pthread_create(&id, NULL, thread, memory + SIZE));
  CHECK_ZERO(pthread_join(id, NULL));
  mix(memory, 3 * SIZE);

  /* No room for the frame: the signal kills. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    handle(SIGSEGV, on_segv, 0);
    recurse(0);
    _exit(1);
  }
  wait_killed(pid, SIGSEGV);
  return done();
}
