/* What SA_NOCLDSTOP, SA_NOCLDWAIT and ignoring SIGCHLD do to the signals and the remains of children. */
#include "guest_tasks.h"

static volatile sig_atomic_t chld;

static void on_chld(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
  chld++;
}

static pid_t stopping_child(void) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    raise(SIGSTOP);
    _exit(5);
  }
  return pid;
}

static void check_stop_seen(int flags) {
  int status;
  handle(SIGCHLD, on_chld, flags | SA_RESTART);
  chld = 0;
  pid_t pid = stopping_child();
  CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
  /* The wait may succeed a moment before the signal is sent: do_signal_stop() lets go of the lock between the two. */
  while (chld == 0 && !(flags & SA_NOCLDSTOP))
    sched_yield();
  CHECK(chld == (flags & SA_NOCLDSTOP ? 0 : 1));
  CHECK_SYS(kill(pid, SIGCONT));
  wait_exit(pid, 5);
}

static void check_nothing_left(void) {
  pid_t pids[5];
  struct gate ended = gate_make();
  for (int i = 0; i < 5; i++) {
    pids[i] = CHECK_SYS(fork());
    if (pids[i] == 0) {
      gate_open(ended);
      _exit(i);
    }
    printf("unwaited child %d\n", pids[i]);
  }
  for (int i = 0; i < 5; i++)
    gate_wait(ended);
  gate_close(ended);
  /* Blocks until all are gone, then fails. */
  CHECK_ERRNO(TEMP_FAILURE_RETRY(waitpid(-1, NULL, 0)), ECHILD);
  /* Nobody can wait for the last of them a moment before the kernel has forgotten its pid: exit_notify(). */
  for (int i = 0; i < 5; i++)
    while (kill(pids[i], 0) == 0)
      sched_yield();
  CHECK(errno == ESRCH);
}

int main(void) {
  check_stop_seen(0);
  check_stop_seen(SA_NOCLDSTOP);

  chld = 0;
  handle(SIGCHLD, on_chld, SA_NOCLDWAIT | SA_RESTART);
  check_nothing_left();
  printf("%d SIGCHLD of children that nobody waits for\n", (int)chld);
  CHECK(chld >= 1 && chld <= 5);

  signal(SIGCHLD, SIG_IGN);
  check_nothing_left();
  int status = system("exit 3");
  CHECK(status == -1 && errno == ECHILD);
  signal(SIGCHLD, SIG_DFL);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(6);
  wait_exit(pid, 6);
  return done();
}
