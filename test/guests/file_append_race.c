/* Processes append to one file, through one shared offset and through opens of their own; the mixture is chance. */
#include "guest.h"

enum { CHILDREN = 4, LINES = 60 };

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int shared = CHECK_SYS(open("shared", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(close(CHECK_SYS(creat("appended", 0600))));
  pid_t children[CHILDREN];
  for (int i = 0; i < CHILDREN; i++)
    if ((children[i] = CHECK_SYS(fork())) == 0) {
      int own = CHECK_SYS(open("appended", O_WRONLY | O_APPEND));
      for (int line = 0; line < LINES; line++) {
        char text[16];
        snprintf(text, sizeof(text), "%-6d%-9d", i, line);
        CHECK(write(own, text, 16) == 16 && write(shared, text, 16) == 16);
      }
      _exit(0);
    }
  for (int i = 0; i < CHILDREN; i++)
    wait_ok(children[i]);
  int appended = CHECK_SYS(open("appended", O_RDONLY));
  int files[] = {shared, appended};
  for (int file = 0; file < 2; file++) {
    int next[CHILDREN] = {0};
    char text[16];
    CHECK(lseek(files[file], 0, SEEK_SET) == 0);
    for (int line = 0; line < CHILDREN * LINES; line++) {
      CHECK(read(files[file], text, 16) == 16);
      int who = atoi(text);
      CHECK(who >= 0 && who < CHILDREN && atoi(text + 6) == next[who]++);
      MIX(text);
    }
    printf("%016llx\n", (unsigned long long)guest_sum);
  }
  return done();
}
