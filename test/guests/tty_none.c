/* Terminal calls on what is no terminal, and on the standard descriptors, which may be one. */
#include "guest.h"

#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int file = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600)), null = CHECK_SYS(open("/dev/null", O_RDWR));
  int ends[2];
  CHECK_SYS(pipe(ends));
  int none[] = {file, null, ends[0], ends[1]};
  struct termios settings;
  struct winsize window;
  for (int i = 0; i < 4; i++) {
    memset(&settings, 0xee, sizeof(settings));
    CHECK(isatty(none[i]) == 0 && errno == ENOTTY);
    CHECK_ERRNO(tcgetattr(none[i], &settings), ENOTTY);
    CHECK_ERRNO(ioctl(none[i], TIOCGWINSZ, &window), ENOTTY);
    CHECK_ERRNO(ioctl(none[i], TIOCGPGRP, &(int){0}), ENOTTY);
    CHECK_ERRNO(ioctl(none[i], 0x12345678, &(int){0}), ENOTTY);
    MIX(settings);
  }
  CHECK_ERRNO(ioctl(999, TCGETS, &settings), EBADF);
  CHECK(ttyname(file) == NULL);
  for (int fd = 0; fd < 3; fd++) {
    memset(&settings, 0xee, sizeof(settings));
    memset(&window, 0xee, sizeof(window));
    int terminal = isatty(fd), sized = ioctl(fd, TIOCGWINSZ, &window), set = tcgetattr(fd, &settings);
    printf("%d: terminal %d, window %d %u %u, settings %d\n", fd, terminal, sized, window.ws_row, window.ws_col, set);
    MIX(settings);
    if (terminal) {
      pid_t group = tcgetpgrp(fd);
      printf("%s, group %d\n", ttyname(fd), group);
    }
  }
  int tty = open("/dev/tty", O_RDWR | O_NONBLOCK);
  printf("controlling terminal: %d errno %d\n", tty, tty == -1 ? errno : 0);
  return done();
}
