/* Keys typed on a pseudo-terminal: line editing, end of file, interrupt and quit characters, timed reads. */
#include "guest_tasks.h"

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t last_signal;

static void on_signal(int signal) { last_signal = signal; }

static int step;

static void ready(void) { CHECK(write(step, "", 1) == 1); }

static void child(void) {
  char line[100];
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_SYS(sigaction(SIGINT, &action, NULL));
  CHECK_SYS(sigaction(SIGQUIT, &action, NULL));
  sigset_t set = signal_set(SIGINT), none = signal_set(0);
  sigaddset(&set, SIGQUIT);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  /* Otherwise the keys that interrupt throw away what the terminal has not shown yet. */
  struct termios modes;
  CHECK_SYS(tcgetattr(0, &modes));
  modes.c_lflag |= NOFLSH;
  CHECK_SYS(tcsetattr(0, TCSANOW, &modes));
  ready();
  /* "abX<erase>c<enter>" */
  CHECK(read(0, line, sizeof(line)) == 4 && memcmp(line, "abc\n", 4) == 0);
  ready();
  /* "wrong<kill>right<eof>" */
  CHECK(read(0, line, sizeof(line)) == 5 && memcmp(line, "right", 5) == 0);
  ready();
  CHECK(read(0, line, sizeof(line)) == 0);
  static const int keys[] = {SIGINT, SIGQUIT};
  for (int i = 0; i < 2; i++) {
    ready();
    struct pollfd input = {.fd = 0, .events = POLLIN};
    CHECK_ERRNO(ppoll(&input, 1, NULL, &none), EINTR);
    CHECK(last_signal == keys[i]);
    last_signal = 0;
  }
  /* A read of less than the line leaves the rest. */
  ready();
  CHECK(read(0, line, 3) == 3 && memcmp(line, "a l", 3) == 0);
  int waiting = 0;
  CHECK_SYS(ioctl(0, FIONREAD, &waiting));
  CHECK(waiting == 8);
  CHECK(read(0, line, sizeof(line)) == 8 && memcmp(line, "ong one\n", 8) == 0);
  modes.c_lflag &= ~(ICANON | ECHO);
  modes.c_cc[VMIN] = 0;
  modes.c_cc[VTIME] = 1;
  CHECK_SYS(tcsetattr(0, TCSANOW, &modes));
  CHECK(read(0, line, sizeof(line)) == 0);
  _exit(14);
}

int main(void) {
  int master, steps[2];
  CHECK_SYS(pipe(steps));
  step = steps[1];
  pid_t pid = forkpty(&master, NULL, NULL, NULL);
  if (pid < 0)
    skip("no pseudo-terminals");
  if (pid == 0)
    child();
  static const char *const typed[] = {"abX\177c\n", "wrong\025right\004", "\004", "\003", "\034", "a long one\n"};
  for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
    char byte;
    CHECK(read(steps[0], &byte, 1) == 1);
    CHECK(write(master, typed[i], strlen(typed[i])) == (ssize_t)strlen(typed[i]));
  }
  wait_exit(pid, 14);
  char echo[1000];
  size_t total = 0;
  ssize_t got;
  while (total < sizeof(echo) && (got = read(master, echo + total, sizeof(echo) - total)) > 0)
    total += got;
  printf("%zu bytes echoed on %s\n", total, ptsname(master));
  CHECK(total > 20 && memcmp(echo, "abX\b \bc\r\n", 9) == 0);
  mix(echo, total);
  return done();
}
