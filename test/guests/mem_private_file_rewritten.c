/*
 * A file written in place after it was mapped privately: pages not yet written by the program show the new bytes.
 * POSIX leaves it open, so it is printed; but a replay has to see the same.
 */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  char page[4096];
  memset(page, 'a', sizeof(page));
  for (int i = 0; i < 3; i++)
    CHECK(write(fd, page, sizeof(page)) == sizeof(page));

  char *map = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  CHECK(*(volatile char *)map == 'a');
  map[4096] = 'w';
  memset(page, 'b', sizeof(page));
  for (int i = 0; i < 3; i++)
    CHECK(pwrite(fd, page, sizeof(page), i * 4096) == sizeof(page));
  printf("read before: %c, written before: %c%c, untouched: %c\n", map[0], map[4096], map[4097], map[8192]);
  CHECK(map[4096] == 'w' && map[4097] == 'a');

  /* By another process, too. */
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    memset(page, 'c', sizeof(page));
    CHECK(pwrite(fd, page, sizeof(page), 8192) == sizeof(page));
    _exit(0);
  }
  wait_ok(child);
  printf("after the child: %c%c\n", map[0], map[8192]);
  mix(map, 3 * 4096);
  return done();
}
