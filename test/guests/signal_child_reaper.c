/* A SIGCHLD handler reaps fifty children while the program goes on with other calls. */
#include "guest_tasks.h"

enum { CHILDREN = 50 };

static volatile sig_atomic_t reaped, handled;
static volatile struct {
  pid_t pid;
  int status, batch;
} ends[CHILDREN];

static void on_chld(int signal) {
  int saved = errno, status;
  pid_t pid;
  (void)signal;
  handled++;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    ends[reaped].pid = pid;
    ends[reaped].status = status;
    ends[reaped].batch = handled;
    reaped++;
  }
  errno = saved;
}

int main(void) {
  pid_t pids[CHILDREN];
  struct sigaction action = {.sa_handler = on_chld, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  CHECK_SYS(sigaction(SIGCHLD, &action, NULL));
  for (int i = 0; i < CHILDREN; i++) {
    pids[i] = CHECK_SYS(fork());
    if (pids[i] == 0) {
      if (i % 3 == 0)
        nap_us(i * 20);
      _exit(i);
    }
  }
  long spins = 0;
  while (reaped < CHILDREN) {
    sched_yield();
    spins++;
  }
  for (int i = 0; i < CHILDREN; i++) {
    int status = ends[i].status;
    CHECK(WIFEXITED(status) && pids[WEXITSTATUS(status)] == ends[i].pid);
    printf("%d:%d ", WEXITSTATUS(status), ends[i].batch);
  }
  printf("\n%d signals, %ld spins\n", (int)handled, spins);
  CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
  return done();
}
