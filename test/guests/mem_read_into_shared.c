/*
 * read, recv and getrandom whose buffer is shared memory: a mapping of the file that is read, and a page seen by a
 * child.
 */
#include "guest.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(ftruncate(fd, 8192));
  char *map = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  CHECK(getrandom(map, 4096, 0) == 4096);
  CHECK(pread(fd, map + 4096, 4096, 0) == 4096);
  CHECK(memcmp(map, map + 4096, 4096) == 0);
  /* The source and the destination are the same bytes. */
  CHECK(pread(fd, map, 4096, 0) == 4096 && pwrite(fd, map, 4096, 4096) == 4096);
  CHECK(memcmp(map, map + 4096, 4096) == 0);
  mix(map, 8192);

  char *shared = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int pair[2];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK(recv(pair[1], shared, 100, MSG_WAITALL) == 100);
    CHECK(getrandom(shared + 100, 100, 0) == 100);
    CHECK(write(pair[1], "!", 1) == 1);
    _exit(0);
  }
  CHECK(send(pair[0], map, 100, 0) == 100);
  CHECK(read(pair[0], (char[1]){0}, 1) == 1);
  CHECK(memcmp(shared, map, 100) == 0);
  mix(shared, 4096);
  wait_ok(child);
  return done();
}
