/* SIGSTOP and SIGCONT to a process that changes what signals do: neither waits for the end of that, which is not about it. */
#include "guest_tasks.h"

#define ROUNDS 100

/* A call from a place with no room for a jump anywhere near: a recorder that patches calls leaves it alone. */
static __attribute__((noinline)) long call_unpatched(long number) {
  long result;
  __asm__ volatile("nop\n\tsyscall\n\t.rept 200\n\txor $0, %%edx\n\t.endr"
                   : "=a"(result)
                   : "0"(number)
                   : "rcx", "r11", "rdx", "memory");
  return result;
}

static void child(void) {
  for (;;) {
    signal(SIGUSR2, SIG_DFL);
    call_unpatched(SYS_getppid);
  }
}

static void yield_some(unsigned *seed) {
  for (int calls = rand_r(seed) % 4; calls > 0; calls--)
    sched_yield();
}

int main(void) {
  unsigned seed = (unsigned)now_us();
  int status;
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    child();
  for (int i = 0; i < ROUNDS; i++) {
    yield_some(&seed);
    CHECK_SYS(kill(pid, SIGSTOP));
    if (rand_r(&seed) % 2)
      CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    yield_some(&seed);
    CHECK_SYS(kill(pid, SIGCONT));
  }
  CHECK_SYS(kill(pid, SIGKILL));
  wait_killed(pid, SIGKILL);
  return done();
}
