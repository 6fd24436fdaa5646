/* A child on a pseudo-terminal whose window changes size: SIGWINCH, TIOCGWINSZ, raw mode. */
#include "guest_tasks.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t changes;

static void on_winch(int signal) {
  (void)signal;
  changes++;
}

static void child(void) {
  struct sigaction action = {.sa_handler = on_winch};
  sigset_t set = signal_set(SIGWINCH), none = signal_set(0);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  struct winsize size;
  char line[100];
  CHECK_SYS(sigaction(SIGWINCH, &action, NULL));
  CHECK_SYS(ioctl(0, TIOCGWINSZ, &size));
  printf("start %dx%d %s\n", size.ws_col, size.ws_row, ttyname(0));
  for (int seen = 0; seen < 4;) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    CHECK_ERRNO(ppoll(&input, 1, NULL, &none), EINTR);
    CHECK_SYS(ioctl(0, TIOCGWINSZ, &size));
    printf("size %dx%d\n", size.ws_col, size.ws_row);
    seen++;
  }
  struct termios modes;
  CHECK_SYS(tcgetattr(0, &modes));
  CHECK(modes.c_lflag & ICANON);
  cfmakeraw(&modes);
  CHECK_SYS(tcsetattr(0, TCSADRAIN, &modes));
  printf("raw\n");
  CHECK(read(0, line, sizeof(line)) > 0 && line[0] == 3);
  _exit(6);
}

/* Reads the child's output up to a line that starts with `text`; returns the line. */
static const char *expect(int master, const char *text) {
  static char line[300];
  size_t size = 0;
  for (;;) {
    CHECK(read(master, line + size, 1) == 1);
    if (line[size] == '\n') {
      line[size] = '\0';
      if (strncmp(line, text, strlen(text)) == 0)
        return line;
      size = 0;
    } else if (size < sizeof(line) - 1) {
      size++;
    }
  }
}

int main(void) {
  int master;
  struct winsize size = {.ws_row = 24, .ws_col = 80};
  pid_t pid = forkpty(&master, NULL, NULL, &size);
  if (pid < 0)
    skip("no pseudo-terminals");
  if (pid == 0)
    child();
  const char *line = expect(master, "start 80x24");
  printf("%s\n", line);
  for (int i = 1; i <= 4; i++) {
    char expected[32];
    size.ws_row = 24 + i;
    size.ws_col = 80 + getpid() % 10 + i;
    CHECK_SYS(ioctl(master, TIOCSWINSZ, &size));
    snprintf(expected, sizeof(expected), "size %dx%d", size.ws_col, size.ws_row);
    printf("%s\n", expect(master, expected));
  }
  expect(master, "raw");
  /* No interrupt in raw mode, just the byte. */
  CHECK(write(master, "\003", 1) == 1);
  wait_exit(pid, 6);
  char byte;
  ssize_t got;
  while ((got = read(master, &byte, 1)) > 0)
    MIX(byte);
  CHECK(got < 0 && errno == EIO);
  return done();
}
