/* SIGSTOP to processes that have just been made, before their first instruction or among their first calls. */
#include "guest_tasks.h"

#define ROUNDS 120

static void child(void) {
  for (;;) {
    getppid();
    sched_yield();
    getpgrp();
  }
}

int main(void) {
  unsigned seed = (unsigned)now_us();
  for (int i = 0; i < ROUNDS; i++) {
    int status;
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      child();
    for (int calls = rand_r(&seed) % 4 * (i % 2); calls > 0; calls--)
      sched_yield();
    CHECK_SYS(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    if (i % 3 == 0) {
      CHECK_SYS(kill(pid, SIGCONT));
      CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    }
    CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
  }
  printf("%d stops\n", ROUNDS);
  return done();
}
