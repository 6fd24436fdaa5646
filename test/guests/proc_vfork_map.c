/*
 * A parent maps files as soon as its vfork child executes a program: the two have had the same memory until then, the
 * pages of the recorder's and the replay's own among it.
 */
#include "guest.h"

#include <sys/mman.h>

enum { ROUNDS = 60, MAPS = 3 };

int main(int argc, char **argv) {
  if (argc > 1)
    return 0;
  char *args[] = {argv[0], "child", NULL}, *none[] = {NULL};
  int fd = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  for (int i = 0; i < ROUNDS; i++) {
    pid_t child = CHECK_SYS(vfork());
    if (child == 0) {
      execve("/proc/self/exe", args, none);
      _exit(127);
    }
    for (int n = 0; n < MAPS; n++) {
      unsigned char *file = CHECK_SYS(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
      mix(file, 64);
      CHECK_SYS(munmap(file, 4096));
    }
    wait_ok(child);
  }
  return done();
}
