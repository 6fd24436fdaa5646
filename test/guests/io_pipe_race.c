/* Four processes write to one pipe and two read from another: whose bytes come when, and who gets them, is chance. */
#include "guest.h"

enum { WRITERS = 4, READERS = 2, LINES = 50 };

int main(void) {
  int up[2], down[2], report[2];
  CHECK_SYS(pipe(up));
  CHECK_SYS(pipe(down));
  CHECK_SYS(pipe(report));
  pid_t children[WRITERS + READERS];
  for (int i = 0; i < WRITERS; i++)
    if ((children[i] = CHECK_SYS(fork())) == 0) {
      for (int line = 0; line < LINES; line++) {
        char text[16];
        snprintf(text, sizeof(text), "%-6d%-9d", i, line);
        CHECK(write(up[1], text, 16) == 16);
      }
      _exit(0);
    }
  for (int i = 0; i < READERS; i++)
    if ((children[WRITERS + i] = CHECK_SYS(fork())) == 0) {
      CHECK_SYS(close(down[1]));
      CHECK_SYS(close(up[1]));
      char text[16];
      uint64_t got = 0;
      for (ssize_t size; (size = CHECK_SYS(read(down[0], text, 16))) > 0; got++)
        mix(text, (size_t)size);
      CHECK(write(report[1], &got, sizeof(got)) == sizeof(got));
      printf("reader %d: %llu lines, %016llx\n", i, (unsigned long long)got, (unsigned long long)guest_sum);
      _exit(0);
    }
  CHECK_SYS(close(up[1]));
  CHECK_SYS(close(down[0]));
  int next[WRITERS] = {0}, total = 0;
  char text[16];
  for (ssize_t size; (size = CHECK_SYS(read(up[0], text, 16))) > 0; total++) {
    CHECK(size == 16);
    int who = atoi(text);
    CHECK(who >= 0 && who < WRITERS && atoi(text + 6) == next[who]++);
    MIX(text);
    CHECK(write(down[1], text, 16) == 16);
  }
  CHECK(total == WRITERS * LINES);
  CHECK_SYS(close(down[1]));
  uint64_t sum = 0;
  for (int i = 0; i < READERS; i++) {
    uint64_t got;
    CHECK(read(report[0], &got, sizeof(got)) == sizeof(got));
    sum += got;
  }
  CHECK(sum == WRITERS * LINES);
  for (int i = 0; i < WRITERS + READERS; i++)
    wait_ok(children[i]);
  return done();
}
