/* shm_open: a name, a size, a mapping; a child finds it by name and both see each other's stores. */
#include "guest.h"

#include <sys/mman.h>
#include <sys/stat.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof(name), "/guest-%d", getpid());
  int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd == -1)
    skip("no /dev/shm");
  CHECK_ERRNO(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK_SYS(ftruncate(fd, 12288));
  volatile char *p = CHECK_SYS(mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  strcpy((char *)p, "from the parent");

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK_SYS(munmap((void *)p, 12288));
    int own = CHECK_SYS(shm_open(name, O_RDWR, 0));
    struct stat st;
    CHECK_SYS(fstat(own, &st));
    CHECK(st.st_size == 12288);
    char *q = CHECK_SYS(mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0));
    CHECK(strcmp(q, "from the parent") == 0);
    snprintf(q + 4096, 64, "from the child %d", getpid());
    CHECK(pwrite(own, "written", 8, 8192) == 8);
    _exit(0);
  }
  wait_ok(child);
  CHECK_SYS(shm_unlink(name));
  CHECK_ERRNO(shm_unlink(name), ENOENT);
  printf("%s, %s at %p\n", (char *)p + 4096, (char *)p + 8192, (void *)p);
  mix((const void *)p, 12288);
  struct stat st;
  CHECK_SYS(fstat(fd, &st));
  CHECK(st.st_nlink == 0);
  MIX(st.st_ino);
  return done();
}
