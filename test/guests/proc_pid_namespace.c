/* Processes that see other pids than their recorder does: pid 1 of a namespace, and what its end means to the rest. */
#include "guest_tasks.h"

static int ready[2];

static void init_of_namespace(void) {
  CHECK(getpid() == 1 && getppid() == 0);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK(getpid() == 2 && getppid() == 1);
    _exit(12);
  }
  CHECK(pid == 2);
  wait_exit(pid, 12);
  pid = CHECK_SYS(fork());
  if (pid == 0) {
    /* Killed when pid 1 ends. */
    CHECK(write(ready[1], "", 1) == 1);
    for (;;)
      pause();
  }
  CHECK(pid == 3);
  char byte;
  CHECK(read(ready[0], &byte, 1) == 1);
  /* Signals without a handler don't reach pid 1 from inside. */
  CHECK_SYS(kill(1, SIGTERM));
  CHECK_SYS(kill(1, SIGKILL));
  printf("pid 1 leaves\n");
  _exit(13);
}

int main(void) {
  CHECK_SYS(pipe(ready));
  pid_t outer = CHECK_SYS(fork());
  if (outer == 0) {
    if (unshare(CLONE_NEWPID) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
      _exit(errno == EPERM || errno == ENOSYS || errno == EINVAL || errno == ENOSPC ? 77 : 1);
    pid_t pid = fork();
    if (pid == 0)
      init_of_namespace();
    if (pid < 0)
      _exit(77);
    printf("outside, pid 1 is %d\n", pid);
    wait_exit(pid, 13);
    /* The namespace is gone. */
    CHECK_ERRNO(fork(), ENOMEM);
    _exit(0);
  }
  int status;
  CHECK(waitpid(outer, &status, 0) == outer && WIFEXITED(status));
  if (WEXITSTATUS(status) == 77)
    skip("no new pid namespace");
  CHECK(WEXITSTATUS(status) == 0);
  close(ready[1]);
  char byte;
  CHECK(read(ready[0], &byte, 1) == 0);
  return done();
}
