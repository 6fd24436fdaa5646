/* A vfork child lives in its parent's memory, and has dispositions of its own.
 */
#include "guest_tasks.h"

#include <signal.h>
#include <sys/syscall.h>

static volatile sig_atomic_t parents, childs;

static void of_parent(int signo) {
  (void)signo;
  parents++;
}

static void of_child(int signo) {
  (void)signo;
  childs++;
}

static sighandler_t handler_of(int signo) {
  struct sigaction action;
  CHECK(sigaction(signo, NULL, &action) == 0);
  return action.sa_handler;
}

static void set(int signo, sighandler_t handler) {
  struct sigaction action = {.sa_handler = handler};
  CHECK(sigaction(signo, &action, NULL) == 0);
}

static void change_and_end(int how) {
  for (int signo = 1; signo < 32; signo++)
    if (handler_of(signo) == of_parent)
      set(signo, of_child);
  CHECK(kill(getpid(), SIGUSR1) == 0);
  set(SIGUSR2, SIG_IGN);
  CHECK(kill(getpid(), SIGUSR2) == 0);
  /* Nothing comes between this change and the end. */
  set(SIGTERM, SIG_IGN);
  if (how == 0)
    syscall(SYS_kill, getpid(), SIGKILL);
  _exit(how);
}

int main(void) {
  set(SIGUSR1, of_parent);
  set(SIGUSR2, of_parent);
  for (int i = 0; i < 20; i++) {
    const pid_t child = vfork();
    if (child == 0)
      change_and_end(i % 2);
    CHECK(child > 0);
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(i % 2 == 0 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                     : WEXITSTATUS(status) == 1);
    CHECK(childs == i + 1);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    CHECK(kill(getpid(), SIGUSR2) == 0);
    CHECK(parents == 2 * (i + 1));
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    CHECK(handler_of(SIGUSR2) == of_parent);
  }
  return done();
}
