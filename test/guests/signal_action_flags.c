/* sigaction's flags: SA_NODEFER, SA_RESETHAND, sa_mask, and what reading an action back gives. */
#include "guest_tasks.h"

static volatile sig_atomic_t depth, deepest, handled, was_blocked;

static void recursive(int signal) {
  depth++;
  handled++;
  if (depth > deepest)
    deepest = depth;
  if (handled < 5)
    raise(signal);
  depth--;
}

static void looks_at_mask(int signal) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  was_blocked = sigismember(&mask, signal) * 100 + sigismember(&mask, SIGUSR2) * 10 + sigismember(&mask, SIGHUP);
  handled++;
}

static void action(int signal, void (*handler)(int), int flags, int masked) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  if (masked)
    sigaddset(&action.sa_mask, masked);
  CHECK_SYS(sigaction(signal, &action, NULL));
  depth = deepest = handled = 0;
}

int main(void) {
  /* Raised in its own handler: after it, or inside it. */
  action(SIGUSR1, recursive, 0, 0);
  raise(SIGUSR1);
  CHECK(handled == 5 && deepest == 1);
  action(SIGUSR1, recursive, SA_NODEFER, 0);
  raise(SIGUSR1);
  CHECK(handled == 5 && deepest == 5);

  action(SIGUSR1, looks_at_mask, 0, SIGUSR2);
  raise(SIGUSR1);
  CHECK(was_blocked == 110);
  action(SIGUSR1, looks_at_mask, SA_NODEFER, SIGUSR2);
  raise(SIGUSR1);
  CHECK(was_blocked == 10);
  /* With its own bit in sa_mask, SA_NODEFER changes nothing. */
  action(SIGUSR1, looks_at_mask, SA_NODEFER, SIGUSR1);
  raise(SIGUSR1);
  CHECK(was_blocked == 100);

  action(SIGUSR1, looks_at_mask, SA_RESETHAND, 0);
  raise(SIGUSR1);
  struct sigaction back;
  CHECK_SYS(sigaction(SIGUSR1, NULL, &back));
  CHECK(handled == 1 && back.sa_handler == SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    action(SIGUSR1, looks_at_mask, SA_RESETHAND, 0);
    raise(SIGUSR1);
    raise(SIGUSR1);
    _exit(1);
  }
  wait_killed(pid, SIGUSR1);

  action(SIGHUP, looks_at_mask, SA_RESTART | SA_NODEFER | SA_ONSTACK, SIGUSR2);
  struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
  } raw;
  CHECK(raw_syscall(SYS_rt_sigaction, SIGHUP, 0, (long)&raw, 8, 0, 0) == 0);
  printf("handler %p flags %#lx restorer %p mask %#lx\n", raw.handler, raw.flags, raw.restorer, raw.mask);
  CHECK(raw.handler == (void *)looks_at_mask && raw.mask == 1ul << (SIGUSR2 - 1));
  CHECK((raw.flags & ~0x04000000ul) == (SA_RESTART | SA_NODEFER | SA_ONSTACK));
  MIX(raw);
  /* Bits that the kernel doesn't know are dropped; KILL and STOP leave their mask. */
  raw.flags |= 0x00004000 | 0x00000400;
  raw.mask = ~0ul;
  CHECK(raw_syscall(SYS_rt_sigaction, SIGHUP, (long)&raw, 0, 8, 0, 0) == 0);
  CHECK(raw_syscall(SYS_rt_sigaction, SIGHUP, 0, (long)&raw, 8, 0, 0) == 0);
  CHECK((raw.flags & (0x00004000 | 0x00000400)) == 0);
  CHECK((raw.mask & (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1))) == 0);

  CHECK_ERRNO(sigaction(SIGKILL, &back, NULL), EINVAL);
  CHECK_ERRNO(sigaction(SIGSTOP, &back, NULL), EINVAL);
  CHECK_ERRNO(sigaction(65, &back, NULL), EINVAL);
  CHECK_ERRNO(sigaction(0, &back, NULL), EINVAL);
  CHECK(raw_syscall(SYS_rt_sigaction, SIGHUP, 0, (long)&raw, 4, 0, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_rt_sigaction, SIGHUP, 8, 0, 8, 0, 0) == -EFAULT);
  return done();
}
