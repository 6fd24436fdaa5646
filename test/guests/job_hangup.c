/* The end of a session's leader: SIGHUP to the foreground group, SIGHUP and SIGCONT to stopped orphans. */
#include "guest_tasks.h"

#include <pty.h>

static int report;

struct told {
  char who;
  int signal;
  pid_t pid;
};

static void tell(char who, int signal) {
  struct told told = {who, signal, getpid()};
  CHECK(write(report, &told, sizeof(told)) == sizeof(told));
}

static char own_letter;

static void on_signal(int signal) { tell(own_letter, signal); }

static void leader(void) {
  struct gate ready = gate_make();
  signal(SIGTTOU, SIG_IGN);
  pid_t foreground = CHECK_SYS(fork());
  if (foreground == 0) {
    own_letter = 'f';
    setpgid(0, 0);
    sigset_t set = signal_set(SIGHUP);
    CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
    gate_open(ready);
    on_signal(CHECK_SYS(TEMP_FAILURE_RETRY(sigwaitinfo(&set, NULL))));
    /* The terminal is nobody's, but it's there until the other side is closed. */
    char byte;
    ssize_t size = read(0, &byte, 1);
    tell(size == 0 || (size < 0 && errno == EIO) ? 'e' : 'x', 0);
    _exit(0);
  }
  setpgid(foreground, foreground);
  CHECK_SYS(tcsetpgrp(0, foreground));
  gate_wait(ready);

  pid_t stopped = CHECK_SYS(fork());
  if (stopped == 0) {
    own_letter = 's';
    setpgid(0, 0);
    signal(SIGHUP, on_signal);
    signal(SIGCONT, on_signal);
    raise(SIGSTOP);
    tell('a', 0);
    _exit(0);
  }
  setpgid(stopped, stopped);
  int status;
  CHECK(waitpid(stopped, &status, WUNTRACED) == stopped && WIFSTOPPED(status));

  pid_t background = CHECK_SYS(fork());
  if (background == 0) {
    own_letter = 'b';
    setpgid(0, 0);
    signal(SIGHUP, on_signal);
    gate_open(ready);
    /* Neither stopped nor in the foreground: nothing comes, however long it waits. */
    nap_us(20000);
    tell('q', 0);
    _exit(0);
  }
  gate_wait(ready);
  _exit(7);
}

int main(void) {
  int master, reports[2];
  CHECK_SYS(pipe(reports));
  report = reports[1];
  pid_t pid = forkpty(&master, NULL, NULL, NULL);
  if (pid < 0)
    skip("no pseudo-terminals");
  if (pid == 0)
    leader();
  close(reports[1]);
  wait_exit(pid, 7);
  struct told told;
  int seen[256] = {0}, order = 0, hup_of_stopped = 0, cont_of_stopped = 0;
  ssize_t size;
  while ((size = read(reports[0], &told, sizeof(told))) == sizeof(told)) {
    if (told.who == 'f')
      close(master);
    printf("%d: %c of %d, signal %d\n", order++, told.who, told.pid, told.signal);
    seen[(unsigned char)told.who]++;
    hup_of_stopped |= told.who == 's' && told.signal == SIGHUP;
    cont_of_stopped |= told.who == 's' && told.signal == SIGCONT;
  }
  CHECK(size == 0);
  /* Foreground: SIGHUP. Stopped: SIGHUP and SIGCONT, so that it goes on. Background: none. */
  CHECK(seen['f'] == 1 && seen['e'] == 1 && seen['x'] == 0);
  CHECK(hup_of_stopped && cont_of_stopped && seen['a'] == 1);
  CHECK(seen['b'] == 0 && seen['q'] == 1);
  return done();
}
