/*
 * Two pseudo-terminals with both ends inside: one controls a session, and has something unread in either direction; the other is
 * in raw mode and in packet mode. Rests, and checks all of it when a byte has come; ends with 10.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

/* Whether an end gives exactly this, however often it must be asked. */
static int gives(int fd, const char *text) {
  char found[256] = "";
  size_t got = 0;
  while (got < strlen(text)) {
    ssize_t size = read(fd, found + got, strlen(text) - got);
    if (size <= 0) return 0;
    got += size;
  }
  return !strcmp(found, text);
}

static int open_master(char *name, size_t size) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  grantpt(master);
  unlockpt(master);
  ptsname_r(master, name, size);
  return master;
}

static volatile sig_atomic_t changes;
static void handler(int signo) { changes += signo == SIGWINCH; }

/* What the session does whose terminal is the first one. */
static int session(const char *name, int ready, int go) {
  setsid();
  int slave = open(name, O_RDWR);
  struct termios modes;
  tcgetattr(slave, &modes);
  modes.c_cc[VEOL2] = '%';
  modes.c_lflag &= ~ECHOK;
  tcsetattr(slave, TCSANOW, &modes);
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGWINCH, &action, NULL);
  pid_t job = fork();
  if (job == 0) {
    setpgid(0, 0);
    write(ready, "j", 1);
    for (;;) pause();
  }
  setpgid(job, job);
  int tty = open("/dev/tty", O_RDWR);
  signal(SIGTTOU, SIG_IGN);
  tcsetpgrp(slave, job);
  write(slave, "printed\n", 8);
  write(ready, "x", 1);
  char line[64] = "";
  read(go, line, 1);
  if (tcgetpgrp(tty) != job || tcgetsid(slave) != getpid()) return 1;
  tcsetpgrp(slave, getpgrp());
  memset(line, 0, sizeof line);
  ssize_t size = read(slave, line, sizeof line);
  if (size != 6 || strcmp(line, "typed\n")) return 2;
  kill(job, SIGKILL);
  waitpid(job, NULL, 0);
  if (!gives(tty, "unfinished line\n")) return 3;
  tcgetattr(slave, &modes);
  if (modes.c_cc[VEOL2] != '%' || (modes.c_lflag & (ECHOK | ECHO)) != ECHO) return 4;
  struct winsize window;
  if (ioctl(slave, TIOCGWINSZ, &window) != 0 || window.ws_col != 81 || window.ws_row != 17) return 5;
  write(slave, "!", 1);
  while (changes == 0) pause();
  write(slave, "?", 1);
  for (;;) pause();
}

int main(void) {
  char name[64], other[64], now[64], text[64] = "";
  int master = open_master(name, sizeof name);
  int packets = open_master(other, sizeof other);
  struct winsize window = {.ws_row = 17, .ws_col = 81};
  ioctl(master, TIOCSWINSZ, &window);
  int raw = open(other, O_RDWR | O_NOCTTY | O_NONBLOCK);
  struct termios modes;
  tcgetattr(raw, &modes);
  cfmakeraw(&modes);
  tcsetattr(raw, TCSAFLUSH, &modes);
  int on = 1;
  ioctl(packets, TIOCPKT, &on);
  write(packets, "a\rb\003", 4);
  write(raw, "c\nd", 3);
  int ready[2], go[2];
  pipe(ready);
  pipe(go);
  pid_t child = fork();
  if (child == 0) {
    close(master);
    int status = session(name, ready[1], go[0]);
    _exit(status);
  }
  /* The session and its job. */
  for (int i = 0; i < 2; i++) read(ready[0], text, 1);
  write(master, "typed\rline", 10);
  struct pollfd poller = {.fd = raw, .events = POLLIN};
  poll(&poller, 1, -1);
  dprintf(1, "rests\n");
  if (read(0, text, 1) != 1) return 1;

  /* Somebody else may have the recorded numbers by now. */
  check(ptsname_r(packets, now, sizeof now) == 0 && !strcmp(ttyname(raw), now), "name");
  check((fcntl(raw, F_GETFL) & O_NONBLOCK) != 0 && fcntl(master, F_GETFD) == FD_CLOEXEC, "flags");
  char data[16] = "";
  check(read(raw, data, sizeof data) == 4 && !memcmp(data, "a\rb\003", 4), "raw input");
  check(read(raw, data, sizeof data) < 0 && errno == EAGAIN, "no more of it");
  memset(data, 0, sizeof data);
  check(read(packets, data, sizeof data) == 4 && !memcmp(data, "\0c\nd", 4), "a packet");
  check(gives(master, "printed\r\ntyped\r\nline"), "output and echo");
  write(go[1], "x", 1);
  write(master, "\025unfinished line\n", 17);
  char shown[128] = "";
  while (strchr(shown, '!') == NULL) {
    size_t got = strlen(shown);
    if (read(master, shown + got, sizeof shown - 1 - got) <= 0) break;
  }
  check(strstr(shown, "unfinished line\r\n") != NULL && strchr(shown, '!') != NULL, "the session finds its terminal");
  window.ws_col = 90;
  ioctl(master, TIOCSWINSZ, &window);
  check(gives(master, "?"), "it is told of a new size");
  write(master, "\003", 1);
  int status = 0;
  check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "^C ends it");
  check(gives(master, "^C") && read(master, data, 1) < 0 && errno == EIO, "nobody has it any more");
  close(packets);
  check(read(raw, data, 1) == 0 || errno == EIO, "the other one hangs up");
  return 10;
}
