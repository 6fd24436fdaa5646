/*
 * Output by every road, in an order that must be kept: stdout, stderr, copies, /proc/self/fd/1, children, a long run
 * of bytes.
 */
#include "guest.h"

#include <sys/uio.h>

static void say(int fd, const char *line) { CHECK(write(fd, line, strlen(line)) == (ssize_t)strlen(line)); }

int main(void) {
  printf("with stdio, process %d\n", getpid());
  say(STDOUT_FILENO, "by write\n");
  say(STDERR_FILENO, "on stderr\n");
  struct iovec parts[] = {{(char *)"by ", 3}, {(char *)"writev\n", 7}};
  CHECK(writev(STDOUT_FILENO, parts, 2) == 10);
  int copy = CHECK_SYS(fcntl(STDOUT_FILENO, F_DUPFD, 200));
  say(copy, "by a copy\n");
  CHECK_SYS(dup2(STDOUT_FILENO, 300));
  say(300, "by another copy\n");
  /* No newline at the end, then more. */
  say(STDOUT_FILENO, "a line ");
  say(copy, "of two pieces\n");
  say(STDOUT_FILENO, "");

  /* Opened anew: for a file that is another offset, so append; a socket can't be. */
  int again = open("/proc/self/fd/1", O_WRONLY | O_APPEND);
  if (again == -1)
    printf("cannot be opened: errno %d\n", errno);
  else
    CHECK_SYS(close(again));

  for (int i = 0; i < 3; i++) {
    pid_t child = CHECK_SYS(fork());
    if (child == 0) {
      CHECK(dprintf(copy, "child %d is %d\n", i, getpid()) > 0);
      say(STDERR_FILENO, "a child on stderr\n");
      _exit(0);
    }
    wait_ok(child);
  }

  /* stdout redirected inside the program, and back: what goes into the pipe isn't output. */
  int ends[2];
  CHECK_SYS(pipe(ends));
  CHECK_SYS(dup2(ends[1], STDOUT_FILENO));
  say(STDOUT_FILENO, "hidden");
  CHECK_SYS(dup2(copy, STDOUT_FILENO));
  char text[16];
  CHECK(read(ends[0], text, sizeof(text)) == 6 && memcmp(text, "hidden", 6) == 0);
  say(STDOUT_FILENO, "back again\n");

  /* stdout and stderr change places. */
  int error = CHECK_SYS(dup(STDERR_FILENO));
  CHECK_SYS(dup2(STDOUT_FILENO, STDERR_FILENO));
  say(STDERR_FILENO, "as stderr to stdout\n");
  CHECK_SYS(dup2(error, STDERR_FILENO));

  /* Bytes that are no text, and more of them than a pipe holds. */
  static unsigned char bytes[150000];
  for (size_t i = 0; i < sizeof(bytes); i++)
    bytes[i] = (unsigned char)((i * i) >> 3);
  size_t sent = 0;
  while (sent < sizeof(bytes))
    sent += (size_t)CHECK_SYS(write(STDOUT_FILENO, bytes + sent, sizeof(bytes) - sent));
  say(STDOUT_FILENO, "\n");
  return done();
}
