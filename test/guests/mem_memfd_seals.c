/* memfd_create and its seals: writes refused afterwards, by write and by mapping; a child maps what it inherited. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/random.h>

int main(void) {
  int fd = CHECK_SYS(memfd_create("guest memory", MFD_ALLOW_SEALING | MFD_CLOEXEC));
  char path[64], target[128] = "";
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  CHECK_SYS(readlink(path, target, sizeof(target) - 1));
  printf("%s\n", target);
  CHECK(strstr(target, "/memfd:guest memory") == target);

  CHECK(fcntl(fd, F_GET_SEALS) == 0);
  CHECK_SYS(ftruncate(fd, 3 * 4096));
  char *map = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  CHECK(getrandom(map + 4096, 4096, 0) == 4096);
  char back[4096];
  CHECK(pread(fd, back, 4096, 4096) == 4096 && memcmp(back, map + 4096, 4096) == 0);
  CHECK(pwrite(fd, "written", 7, 100) == 7 && memcmp(map + 100, "written", 7) == 0);

  CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  CHECK_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  CHECK_ERRNO(ftruncate(fd, 4096), EPERM);
  CHECK_SYS(ftruncate(fd, 4 * 4096));
  CHECK_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  CHECK_ERRNO(ftruncate(fd, 5 * 4096), EPERM);

  /* Shared with a child through the descriptor, not through an inherited mapping. */
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    char *own = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 3 * 4096));
    pid_t self = getpid();
    memcpy(own, &self, sizeof(self));
    _exit(0);
  }
  wait_ok(child);
  CHECK(pread(fd, back, sizeof(child), 3 * 4096) == sizeof(child) && memcmp(back, &child, sizeof(child)) == 0);
  mix(map, 3 * 4096);

  CHECK_SYS(munmap(map, 3 * 4096));
  CHECK_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
  CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
  CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0), EPERM);
  char *private = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
  private[0] = 'p';
  CHECK(memcmp(private + 100, "written", 7) == 0);
  printf("seals %#x at %p\n", fcntl(fd, F_GET_SEALS), (void *)private);
  CHECK_ERRNO(memfd_create("x", 0x8000), EINVAL);
  CHECK_ERRNO(fcntl(CHECK_SYS(memfd_create("no seals", 0)), F_ADD_SEALS, F_SEAL_GROW), EPERM);
  return done();
}
