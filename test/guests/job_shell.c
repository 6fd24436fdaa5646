/* A small job-control shell on a pseudo-terminal: foreground and background jobs, SIGTTIN, SIGTTOU, ^Z, ^C, fg. */
#include "guest_tasks.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static int report;

static void tell(const char *text) {
  char line[200];
  int size = snprintf(line, sizeof(line), "%s\n", text);
  CHECK(write(report, line, size) == size);
}

/* A process of a job of its own, as a shell starts it. */
static pid_t start_job(void (*body)(void), int foreground) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK_SYS(setpgid(0, 0));
    if (foreground)
      CHECK_SYS(tcsetpgrp(0, getpid()));
    signal(SIGTTOU, SIG_DFL);
    signal(SIGTTIN, SIG_DFL);
    signal(SIGTSTP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    body();
    _exit(0);
  }
  setpgid(pid, pid);
  if (foreground)
    CHECK_SYS(tcsetpgrp(0, pid));
  return pid;
}

static int wait_job(pid_t pid) {
  int status;
  CHECK(TEMP_FAILURE_RETRY(waitpid(pid, &status, WUNTRACED)) == pid);
  printf("job %d %s\r\n", pid, status_text(status));
  CHECK_SYS(tcsetpgrp(0, getpgrp()));
  return status;
}

static void into_foreground(pid_t pid) {
  CHECK_SYS(tcsetpgrp(0, pid));
  CHECK_SYS(kill(-pid, SIGCONT));
}

static void reads_line(void) {
  char line[100] = "";
  ssize_t size = CHECK_SYS(read(0, line, sizeof(line) - 1));
  CHECK(size > 0);
  printf("job read %s\r\n", line);
  _exit(line[0]);
}

static void writes_line(void) {
  printf("background output of %d\r\n", getpid());
  fflush(stdout);
  _exit(8);
}

static void sleeps(void) {
  tell("sleeping");
  for (;;)
    pause();
}

static void sets_foreground(void) {
  /* Stops with SIGTTOU, TOSTOP or not. */
  CHECK_SYS(tcsetpgrp(0, getpgrp()));
  _exit(9);
}

static void shell(void) {
  signal(SIGTTOU, SIG_IGN);
  signal(SIGTTIN, SIG_IGN);
  signal(SIGTSTP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  CHECK(getsid(0) == getpid() && tcgetpgrp(0) == getpgrp() && tcgetsid(0) == getpid());

  /* Otherwise each of the keys ^Z and ^C throws away what the terminal has not shown yet. */
  struct termios modes;
  CHECK_SYS(tcgetattr(0, &modes));
  modes.c_lflag |= NOFLSH;
  CHECK_SYS(tcsetattr(0, TCSANOW, &modes));

  tell("a line, please");
  int status = wait_job(start_job(reads_line, 1));
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 'f');

  /* In the background it stops, and reads when it's brought forward. */
  pid_t pid = start_job(reads_line, 0);
  status = wait_job(pid);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
  into_foreground(pid);
  tell("another line");
  status = wait_job(pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 's');

  CHECK(WEXITSTATUS(wait_job(start_job(writes_line, 0))) == 8);
  CHECK_SYS(tcgetattr(0, &modes));
  modes.c_lflag |= TOSTOP;
  CHECK_SYS(tcsetattr(0, TCSANOW, &modes));
  pid = start_job(writes_line, 0);
  status = wait_job(pid);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
  into_foreground(pid);
  CHECK(WEXITSTATUS(wait_job(pid)) == 8);
  pid = start_job(sets_foreground, 0);
  status = wait_job(pid);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTOU);
  into_foreground(pid);
  CHECK(WEXITSTATUS(wait_job(pid)) == 9);

  pid = start_job(sleeps, 1);
  tell("^Z");
  status = wait_job(pid);
  CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
  into_foreground(pid);
  tell("^C");
  status = wait_job(pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  tell("done");
  fflush(stdout);
}

int main(void) {
  int master, reports[2];
  CHECK_SYS(pipe(reports));
  fcntl(reports[0], F_SETFD, FD_CLOEXEC);
  pid_t pid = forkpty(&master, NULL, NULL, NULL);
  if (pid < 0)
    skip("no pseudo-terminals");
  if (pid == 0) {
    report = reports[1];
    no_core();
    shell();
    _exit(17);
  }
  close(reports[1]);
  /* Types what the shell asks for. */
  FILE *requests = fdopen(reports[0], "r");
  char line[200];
  int sleeping = 0, want = 0;
  while (fgets(line, sizeof(line), requests)) {
    if (strcmp(line, "a line, please\n") == 0)
      CHECK(write(master, "first line\n", 11) == 11);
    else if (strcmp(line, "another line\n") == 0)
      CHECK(write(master, "second line\n", 12) == 12);
    else if (strcmp(line, "sleeping\n") == 0)
      sleeping = 1;
    else if (strcmp(line, "^Z\n") == 0)
      want = 032;
    else if (strcmp(line, "^C\n") == 0)
      CHECK(write(master, "\003", 1) == 1);
    else if (strcmp(line, "done\n") == 0)
      break;
    /* The two reports may come in either order. */
    if (sleeping && want) {
      char key = (char)want;
      CHECK(write(master, &key, 1) == 1);
      want = sleeping = 0;
    }
  }
  char output[8192];
  size_t total = 0;
  ssize_t size;
  /* EIO when the last slave is closed. */
  while (total < sizeof(output) - 1 && (size = read(master, output + total, sizeof(output) - 1 - total)) > 0)
    total += size;
  output[total] = '\0';
  for (char *at = output; *at; at++)
    if (*at != '\r')
      putchar(*at);
  wait_exit(pid, 17);
  CHECK(strstr(output, "job read first line") && strstr(output, "job read second line"));
  CHECK(strstr(output, "^Z") && strstr(output, "^C"));
  return done();
}
