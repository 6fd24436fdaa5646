/*
 * A mapped file replaced by rename: the mapping keeps the old content, a new one has the new, though the path is the
 * same.
 */
#include "guest.h"

#include <sys/mman.h>

static char *map_file(const char *path) {
  int fd = CHECK_SYS(open(path, O_RDONLY));
  char *map = CHECK_SYS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
  CHECK_SYS(close(fd));
  return map;
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  char *maps[5];
  for (int i = 0; i < 5; i++) {
    int fd = CHECK_SYS(open("new", O_WRONLY | O_CREAT | O_EXCL, 0600));
    CHECK(dprintf(fd, "version %d of %d", i, getpid()) > 0);
    CHECK_SYS(close(fd));
    CHECK_SYS(rename("new", "current"));
    maps[i] = map_file("current");
  }
  for (int i = 0; i < 5; i++) {
    char text[32];
    snprintf(text, sizeof(text), "version %d of %d", i, getpid());
    CHECK(strcmp(maps[i], text) == 0);
    printf("%p %s\n", (void *)maps[i], maps[i]);
  }
  return done();
}
