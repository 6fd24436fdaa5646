/* A directory's entries into a buffer that ends in a hole: the entry that meets it is stored in part, past the result. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/syscall.h>

int main(void) {
  char *page = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(munmap(page + 4096, 4096));
  CHECK(chdir(tmpdir()) == 0);
  for (int i = 0; i < 8; i++) {
    char name[64];
    snprintf(name, sizeof(name), "an entry with a name of some length %d", i);
    close(CHECK_SYS(open(name, O_CREAT | O_WRONLY, 0600)));
  }
  for (int room = 24; room < 400; room += 8) {
    int dir = CHECK_SYS(open(".", O_RDONLY | O_DIRECTORY));
    memset(page, 'w', 4096);
    long result = syscall(SYS_getdents64, dir, page + 4096 - room, 4096);
    MIX(result);
    mix(page, 4096);
    close(dir);
  }
  CHECK_SYS(chdir("/"));
  return done();
}
