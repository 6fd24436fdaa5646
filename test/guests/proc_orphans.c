/* A process whose parent ends gets another: the nearest subreaper, else somebody outside. */
#include "guest_tasks.h"

/* Starts a grandchild whose parent has ended when this returns; it then runs `body`. Its pid is returned. */
static pid_t orphan(void (*body)(void)) {
  int pids[2];
  struct gate born = gate_make(), orphaned = gate_make();
  CHECK_SYS(pipe(pids));
  pid_t middle = CHECK_SYS(fork());
  if (middle == 0) {
    pid_t middle_pid = getpid();
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      close(pids[0]);
      CHECK(getppid() == middle_pid);
      gate_open(born);
      gate_wait(orphaned);
      CHECK(getppid() != middle_pid);
      body();
      _exit(5);
    }
    gate_wait(born);
    CHECK(write(pids[1], &pid, sizeof(pid)) == sizeof(pid));
    _exit(4);
  }
  close(pids[1]);
  pid_t pid;
  CHECK(read(pids[0], &pid, sizeof(pid)) == sizeof(pid));
  wait_exit(middle, 4);
  gate_open(orphaned);
  gate_close(orphaned);
  gate_close(born);
  close(pids[0]);
  return pid;
}

static int result[2];
static pid_t root;

static void report_parent(void) {
  pid_t parent = getppid();
  CHECK(write(result[1], &parent, sizeof(parent)) == sizeof(parent));
}

static void not_a_subreaper(void) {
  int subreaper = 7;
  CHECK_SYS(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  CHECK(subreaper == 0);
  report_parent();
}

int main(void) {
  int subreaper = 7;
  root = getpid();
  CHECK_SYS(pipe(result));
  CHECK_SYS(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  CHECK(subreaper == 0);

  pid_t parent;
  pid_t pid = orphan(report_parent);
  CHECK(read(result[0], &parent, sizeof(parent)) == sizeof(parent));
  CHECK(parent != root);
  printf("orphan %d went to %d\n", pid, parent);
  CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);

  CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1));
  CHECK_SYS(prctl(PR_GET_CHILD_SUBREAPER, &subreaper));
  CHECK(subreaper == 1);
  for (int i = 0; i < 5; i++) {
    pid = orphan(not_a_subreaper);
    CHECK(read(result[0], &parent, sizeof(parent)) == sizeof(parent));
    CHECK(parent == root);
    int status;
    CHECK(wait(&status) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    printf("orphan %d came to %d\n", pid, parent);
  }
  CHECK_ERRNO(wait(NULL), ECHILD);
  return done();
}
