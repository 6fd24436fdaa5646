/* A pseudoterminal made by the program: names, settings, line editing, echo, window size, packet mode, hang-up. */
#include "guest.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static void expect(int fd, const char *wanted) {
  char text[128];
  size_t size = strlen(wanted), got = 0;
  while (got < size)
    got += (size_t)CHECK_SYS(read(fd, text + got, size - got));
  CHECK(memcmp(text, wanted, size) == 0);
}

int main(void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master == -1)
    skip("no pseudoterminals");
  CHECK_SYS(grantpt(master));
  CHECK_SYS(unlockpt(master));
  unsigned number = 9999;
  CHECK_SYS(ioctl(master, TIOCGPTN, &number));
  char name[64];
  CHECK_ZERO(ptsname_r(master, name, sizeof(name)));
  printf("%s is number %u\n", name, number);
  int slave = open(name, O_RDWR | O_NOCTTY);
  if (slave == -1)
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  CHECK(slave != -1 && isatty(slave) && isatty(master));

  struct termios settings;
  memset(&settings, 0xee, sizeof(settings));
  CHECK_SYS(tcgetattr(slave, &settings));
  MIX(settings);
  unsigned char raw[128];
  memset(raw, 0xee, sizeof(raw));
  CHECK_SYS(ioctl(slave, TCGETS, raw));
  MIX(raw);

  /* Canonical mode: a line arrives when it is complete; the terminal echoes and edits. */
  CHECK(write(master, "abX\177c\n", 6) == 6);
  expect(slave, "abc\n");
  expect(master, "abX\b \bc\r\n");
  CHECK(write(slave, "out\n", 4) == 4);
  expect(master, "out\r\n");
  CHECK(write(master, "\004", 1) == 1);
  CHECK(read(slave, raw, sizeof(raw)) == 0);

  cfmakeraw(&settings);
  settings.c_cc[VMIN] = 3;
  settings.c_cc[VTIME] = 1;
  CHECK_SYS(tcsetattr(slave, TCSANOW, &settings));
  CHECK(write(master, "xyz", 3) == 3);
  CHECK(read(slave, raw, sizeof(raw)) == 3);
  CHECK_ERRNO(read(master, raw, (fcntl(master, F_SETFL, O_NONBLOCK), sizeof(raw))), EAGAIN);
  CHECK_SYS(fcntl(master, F_SETFL, 0));

  struct winsize window = {.ws_row = 41, .ws_col = 137, .ws_xpixel = 5, .ws_ypixel = 6}, back;
  CHECK_SYS(ioctl(master, TIOCSWINSZ, &window));
  memset(&back, 0, sizeof(back));
  CHECK_SYS(ioctl(slave, TIOCGWINSZ, &back));
  CHECK(memcmp(&window, &back, sizeof(back)) == 0);
  int waiting = -1;
  CHECK(write(slave, "12345", 5) == 5);
  struct pollfd wait = {.fd = master, .events = POLLIN};
  CHECK(poll(&wait, 1, -1) == 1);
  CHECK_SYS(ioctl(master, FIONREAD, &waiting));
  printf("%d bytes wait\n", waiting);
  expect(master, "12345");

  /* Packet mode: each read begins with a byte of state. */
  CHECK_SYS(ioctl(master, TIOCPKT, &(int){1}));
  CHECK(write(slave, "p", 1) == 1);
  CHECK(read(master, raw, sizeof(raw)) == 2 && raw[0] == TIOCPKT_DATA && raw[1] == 'p');
  CHECK_SYS(tcflush(slave, TCOFLUSH));
  CHECK(read(master, raw, sizeof(raw)) == 1 && (raw[0] & TIOCPKT_FLUSHWRITE));
  CHECK_SYS(ioctl(master, TIOCPKT, &(int){0}));

  /* A session of its own in a child, with this as its terminal. */
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(setsid() == getpid());
    CHECK_SYS(ioctl(slave, TIOCSCTTY, 0));
    CHECK(tcgetsid(slave) == getpid() && tcgetpgrp(slave) == getpid());
    int tty = CHECK_SYS(open("/dev/tty", O_RDWR));
    char line[64];
    int size = snprintf(line, sizeof(line), "session %d", getsid(0));
    CHECK(write(tty, line, (size_t)size) == size);
    _exit(0);
  }
  char line[64];
  int size = snprintf(line, sizeof(line), "session %d", child);
  expect(master, line);
  wait_ok(child);
  printf("%.*s\n", size, line);

  CHECK_SYS(close(slave));
  CHECK(poll(&wait, 1, -1) == 1 && (wait.revents & POLLHUP));
  CHECK_ERRNO(read(master, raw, sizeof(raw)), EIO);
  return done();
}
