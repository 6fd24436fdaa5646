/* SIGSTOP and SIGCONT by the parent: stops are seen once, continue undoes pending stops, handlers run after it. */
#include "guest_tasks.h"

static struct gate ready, go;
static volatile sig_atomic_t continued, usr1;

static void on_cont(int signal) {
  (void)signal;
  continued++;
}

static void on_usr1(int signal) {
  (void)signal;
  usr1++;
}

static void child(void) {
  char byte;
  signal(SIGCONT, on_cont);
  signal(SIGUSR1, on_usr1);
  gate_open(ready);
  /* Interrupted by the SIGCONT handler: restarted, because signal() sets SA_RESTART. */
  CHECK(read(go.ends[0], &byte, 1) == 1);
  while (usr1 == 0)
    sched_yield();
  _exit(10 * continued + usr1);
}

int main(void) {
  ready = gate_make();
  go = gate_make();
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    child();
  gate_wait(ready);
  int status;
  for (int i = 0; i < 4; i++) {
    CHECK_SYS(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    printf("%d %s, state %c\n", pid, status_text(status), task_state(pid));
    CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
    if (i == 1) {
      /* While stopped: a second stop changes nothing, other signals wait. */
      CHECK_SYS(kill(pid, SIGSTOP));
      CHECK_SYS(kill(pid, SIGUSR1));
      CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
    }
    CHECK_SYS(kill(pid, SIGCONT));
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
  }
  /* To one that runs: no event, but the handler is called. */
  CHECK_SYS(kill(pid, SIGCONT));
  gate_open(go);
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  printf("%d %s\n", pid, status_text(status));
  CHECK(WEXITSTATUS(status) % 10 == 1 && WEXITSTATUS(status) / 10 >= 1 && WEXITSTATUS(status) / 10 <= 5);

  pid = CHECK_SYS(fork());
  if (pid == 0) {
    raise(SIGSTOP);
    raise(SIGTSTP);
    kill(getpid(), SIGSTOP);
    _exit(3);
  }
  for (int stops = 0;;) {
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    printf("%d %s\n", pid, status_text(status));
    if (WIFEXITED(status)) {
      CHECK(stops >= 2 && WEXITSTATUS(status) == 3);
      break;
    }
    stops++;
    CHECK_SYS(kill(pid, SIGCONT));
  }
  return done();
}
