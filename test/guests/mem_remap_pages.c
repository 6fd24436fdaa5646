/* remap_file_pages: a view of a file with its pages in another order. Emulated by the kernel with mappings. */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  char page[4096];
  for (int i = 0; i < 6; i++) {
    memset(page, 'a' + i, sizeof(page));
    CHECK(write(fd, page, sizeof(page)) == sizeof(page));
  }
  volatile char *p = CHECK_SYS(mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (remap_file_pages((void *)p, 4096, 0, 5, 0) == -1) {
    printf("errno %d\n", errno);
    skip("no remap_file_pages");
  }
  CHECK_SYS(remap_file_pages((void *)(p + 2 * 4096), 2 * 4096, 0, 0, 0));
  CHECK(p[0] == 'f' && p[4096] == 'b' && p[2 * 4096] == 'a' && p[3 * 4096] == 'b' && p[4 * 4096] == 'e');
  p[3 * 4096] = 'X';
  CHECK(p[4096] == 'X');
  CHECK_ERRNO(remap_file_pages((void *)p, 4096, PROT_READ, 0, 0), EINVAL);
  mix((const void *)p, 6 * 4096);
  return done();
}
