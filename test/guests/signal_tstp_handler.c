/* What editors do on ^Z: a SIGTSTP handler tidies up, stops for real, and sets up again when continued. */
#include "guest_tasks.h"

static int report;

static void say(char what) { CHECK(write(report, &what, 1) == 1); }

static void on_tstp(int number) {
  (void)number;
  int saved = errno;
  sigset_t set = signal_set(SIGTSTP), old;
  say('t');
  signal(SIGTSTP, SIG_DFL);
  raise(SIGTSTP);
  /* Blocked in its own handler, so it stops here. */
  CHECK_SYS(sigprocmask(SIG_UNBLOCK, &set, &old));
  CHECK_SYS(sigprocmask(SIG_SETMASK, &old, NULL));
  signal(SIGTSTP, on_tstp);
  say('r');
  errno = saved;
}

static void on_cont(int number) {
  (void)number;
  say('c');
}

int main(void) {
  int fds[2];
  struct gate go = gate_make();
  CHECK_SYS(pipe(fds));
  report = fds[1];
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    /* Only a group with a parent in the session stops for SIGTSTP. */
    CHECK_SYS(setpgid(0, 0));
    signal(SIGTSTP, on_tstp);
    signal(SIGCONT, on_cont);
    say('s');
    gate_wait(go);
    _exit(12);
  }
  char what;
  CHECK(read(fds[0], &what, 1) == 1 && what == 's');
  for (int i = 0; i < 3; i++) {
    int status;
    CHECK_SYS(kill(pid, SIGTSTP));
    CHECK(read(fds[0], &what, 1) == 1 && what == 't');
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    printf("%d %s\n", pid, status_text(status));
    CHECK_SYS(kill(pid, SIGCONT));
    CHECK(read(fds[0], &what, 1) == 1 && what == 'c');
    CHECK(read(fds[0], &what, 1) == 1 && what == 'r');
  }
  gate_open(go);
  wait_exit(pid, 12);
  return done();
}
