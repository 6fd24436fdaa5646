/* msync in all modes, over holes and private memory; the file holds what was stored. */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(ftruncate(fd, 5 * 4096));
  char *p = CHECK_SYS(mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  pid_t self = getpid();
  for (int i = 0; i < 5; i++)
    memcpy(p + i * 4096 + i, &self, sizeof(self));
  CHECK_SYS(msync(p, 4096, MS_SYNC));
  CHECK_SYS(msync(p, 5 * 4096, MS_ASYNC));
  CHECK_SYS(msync(p, 5 * 4096, MS_SYNC | MS_INVALIDATE));
  CHECK_ERRNO(msync(p, 4096, MS_SYNC | MS_ASYNC), EINVAL);
  CHECK_ERRNO(msync(p + 1, 4096, MS_SYNC), EINVAL);
  int other = CHECK_SYS(open("f", O_RDONLY));
  char back[5 * 4096];
  CHECK(read(other, back, sizeof(back)) == sizeof(back) && memcmp(back, p, sizeof(back)) == 0);
  MIX(back);
  CHECK_SYS(munmap(p + 4096, 4096));
  CHECK_ERRNO(msync(p, 5 * 4096, MS_SYNC), ENOMEM);
  void *anonymous = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(msync(anonymous, 4096, MS_SYNC));
  printf("%p\n", (void *)p);
  return done();
}
