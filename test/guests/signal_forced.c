/* Faults can't be blocked or ignored: the kernel resets their handler and kills. Sent ones can be. */
#include "guest_tasks.h"

static void handler(int signal) {
  (void)signal;
  _exit(66);
}

static void fault(int signal) {
  volatile int zero = 0;
  switch (signal) {
  case SIGSEGV:
    *(volatile int *)(uintptr_t)zero = 1;
    break;
  case SIGFPE:
    __asm__ volatile("xorl %%ecx, %%ecx\n\tidivl %%ecx" : : "a"(1), "d"(0) : "ecx", "cc");
    break;
  case SIGILL:
    __asm__ volatile("ud2");
    break;
  case SIGTRAP:
    __asm__ volatile("int3");
    break;
  case SIGBUS: {
    int fd = memfd_create("empty", 0);
    char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    mapped[0] = 1;
    break;
  }
  }
}

enum how { BLOCKED_WITH_HANDLER, IGNORED, BLOCKED, HANDLED, WAYS };

static void run(int number, enum how how) {
  sigset_t set = signal_set(number), pending;
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    if (how == BLOCKED_WITH_HANDLER || how == HANDLED)
      signal(number, handler);
    if (how == IGNORED)
      signal(number, SIG_IGN);
    if (how == BLOCKED || how == BLOCKED_WITH_HANDLER)
      CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
    if (how != HANDLED) {
      /* Sent, it stays pending or vanishes. */
      CHECK_SYS(kill(getpid(), number));
      CHECK_SYS(sigpending(&pending));
      CHECK(sigismember(&pending, number) == (how != IGNORED));
      CHECK(how == IGNORED || sigtimedwait(&set, NULL, &(struct timespec){0, 0}) == number);
    }
    fault(number);
    _exit(1);
  }
  if (how == HANDLED)
    wait_exit(pid, 66);
  else
    wait_killed(pid, number);
}

static void *faults(void *arg) {
  fault(SIGSEGV);
  return arg;
}

int main(void) {
  static const int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS};
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
    for (enum how how = 0; how < WAYS; how++)
      run(signals[i], how);

  /* A fault in one thread, handled nowhere, ends all of them. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    pthread_t thread;
    no_core();
    CHECK_ZERO(pthread_create(&thread, NULL, faults, NULL));
    for (;;)
      pause();
  }
  wait_killed(pid, SIGSEGV);
  return done();
}
