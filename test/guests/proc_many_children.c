/* 300 children that end at once, up to twelve at a time, waited for in whatever order they end. */
#include "guest_tasks.h"

enum { CHILDREN = 300, AT_ONCE = 12 };

int main(void) {
  pid_t pids[CHILDREN];
  int started = 0, ended = 0, out_of_order = 0;
  while (ended < CHILDREN) {
    if (started < CHILDREN && started - ended < AT_ONCE) {
      pids[started] = CHECK_SYS(fork());
      if (pids[started] == 0)
        _exit(started % 100);
      started++;
      continue;
    }
    int status;
    pid_t pid = CHECK_SYS(wait(&status));
    int which = 0;
    while (which < started && pids[which] != pid)
      which++;
    CHECK(which < started && WIFEXITED(status) && WEXITSTATUS(status) == which % 100);
    pids[which] = 0;
    out_of_order += which != ended;
    MIX(pid);
    MIX(which);
    ended++;
  }
  CHECK_ERRNO(wait(NULL), ECHILD);
  printf("%d of %d ended out of order\n", out_of_order, CHILDREN);
  return done();
}
