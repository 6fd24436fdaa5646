/* abort: kills unless a handler leaves by a jump; a handler that returns, a blocked or an ignored SIGABRT don't help.
 */
#include "guest_tasks.h"

#include <assert.h>
#include <setjmp.h>

static sigjmp_buf out;

static void returns(int signal) {
  (void)signal;
  CHECK(write(1, "SIGABRT handled\n", 16) == 16);
}

static void leaves(int signal) {
  (void)signal;
  siglongjmp(out, 5);
}

static void child(int how) {
  sigset_t set = signal_set(SIGABRT);
  no_core();
  switch (how) {
  case 0:
    break;
  case 1:
    signal(SIGABRT, returns);
    break;
  case 2:
    signal(SIGABRT, SIG_IGN);
    break;
  case 3:
    CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
    break;
  case 4:
    fclose(stderr);
    assert(how == 5);
  }
  abort();
}

static void *aborts(void *arg) {
  abort();
  return arg;
}

int main(void) {
  for (int how = 0; how < 5; how++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      child(how);
    wait_killed(pid, SIGABRT);
  }
  signal(SIGABRT, leaves);
  int value = sigsetjmp(out, 1);
  if (value == 0)
    abort();
  CHECK(value == 5);
  signal(SIGABRT, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    pthread_t thread;
    no_core();
    CHECK_ZERO(pthread_create(&thread, NULL, aborts, NULL));
    for (;;)
      pause();
  }
  wait_killed(pid, SIGABRT);
  return done();
}
