/*
 * Output of all sizes to both descriptors, by a process that is alone and between others: each byte comes once, in the order in which
 * it was written.
 */
#include "guest_tasks.h"

static void put(int fd, char letter, size_t length) {
  static char text[300000];
  memset(text, letter, length);
  if (length > 0) text[length - 1] = '\n';
  for (size_t done = 0; done < length;) done += (size_t)CHECK_SYS(write(fd, text + done, length - done));
}

/* Short and long, now and then by a copy of the descriptor, and in pieces. */
static void put_all(char letter) {
  for (int i = 0; i < 300; i++) {
    put(1, letter, (size_t)(i * i % 1700));
    if (i % 7 == 0) put(2, '2', (size_t)(i % 90));
    if (i % 60 == 0) {
      const int copy = CHECK_SYS(dup(1));
      put(copy, 'd', 100);
      put(copy, 'e', 100);
      close(copy);
      CHECK(dprintf(1, "%d %d\n", i, getppid() > 0) > 0);
    }
  }
  put(1, 'L', 300000);
  put(1, letter, 5000);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  put_all('a');
  for (int round = 0; round < 3; round++) {
    const pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      put_all((char)('b' + round));
      _exit(0);
    }
    put(1, 'p', 20);
    put(1, 'q', 3000);
    wait_exit(pid, 0);
    put_all('r');
  }
  /* To nobody, and to a file that is no output. */
  int ends[2];
  CHECK_SYS(pipe(ends));
  close(ends[0]);
  CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
  const int out = CHECK_SYS(dup(1));
  CHECK_SYS(dup2(ends[1], 1));
  CHECK(write(1, "x", 1) == -1 && errno == EPIPE);
  CHECK_SYS(dup2(out, 1));
  put(1, 'z', 50);
  return done();
}
