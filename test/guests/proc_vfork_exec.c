/* vfork: the parent sleeps until its child, running in the parent's memory, has executed another program or failed to.
 */
#include "guest_tasks.h"

static int exec_errno;

static pid_t run(const char *path, char *const *argv) {
  exec_errno = 0;
  pid_t pid = vfork();
  if (pid == 0) {
    execv(path, argv);
    exec_errno = errno;
    _exit(127);
  }
  return CHECK_SYS(pid);
}

int main(void) {
  char *no_args[] = {"true", NULL};
  wait_exit(run("/bin/true", no_args), 0);
  CHECK(exec_errno == 0);
  wait_exit(run("/bin/false", no_args), 1);

  char number[32];
  snprintf(number, sizeof(number), "%d", getpid());
  char *shell[] = {"sh", "-c", "echo shell $$ of $PPID, told $0; test $PPID = $0 && exit 9", number, NULL};
  wait_exit(run("/bin/sh", shell), 9);

  wait_exit(run("/nonexistent/program", no_args), 127);
  CHECK(exec_errno == ENOENT);
  wait_exit(run("/", no_args), 127);
  CHECK(exec_errno == EACCES);

  /* The child of a vfork child reports to the grandparent's memory too. */
  static volatile pid_t grandchild;
  pid_t pid = vfork();
  if (pid == 0) {
    grandchild = vfork();
    if (grandchild == 0) {
      execv("/bin/true", no_args);
      _exit(126);
    }
    int status = -1;
    if (waitpid(grandchild, &status, 0) == grandchild && status == 0)
      _exit(33);
    _exit(34);
  }
  wait_exit(CHECK_SYS(pid), 33);
  printf("child %d, grandchild %d\n", pid, grandchild);
  CHECK(grandchild > 0 && grandchild != pid);
  for (int i = 0; i < 20; i++)
    wait_exit(run("/bin/true", no_args), 0);
  return done();
}
