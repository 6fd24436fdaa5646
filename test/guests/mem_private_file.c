/*
 * Private file mappings: a random file, an offset, the zero tail of the last page, copy on write, the program's own
 * file.
 */
#include "guest.h"

#include <sys/mman.h>
#include <sys/stat.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  static unsigned char bytes[20000];
  CHECK(read(random, bytes, sizeof(bytes)) == sizeof(bytes) && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));

  unsigned char *read_only = CHECK_SYS(mmap(NULL, sizeof(bytes), PROT_READ, MAP_PRIVATE, fd, 0));
  CHECK(memcmp(read_only, bytes, sizeof(bytes)) == 0);
  for (size_t i = sizeof(bytes); i < 20480; i++)
    CHECK(read_only[i] == 0);

  unsigned char *copy = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 8192));
  CHECK(memcmp(copy, bytes + 8192, 8192) == 0);
  memset(copy + 100, 0x55, 50);
  CHECK(read_only[8192 + 100] == bytes[8192 + 100]);
  unsigned char back[50];
  CHECK(pread(fd, back, 50, 8192 + 100) == 50 && memcmp(back, bytes + 8292, 50) == 0);

  /* Closed and unlinked: the mapping lives on, also where it wasn't touched yet. */
  unsigned char *late = CHECK_SYS(mmap(NULL, sizeof(bytes), PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0));
  CHECK_SYS(close(fd));
  CHECK_SYS(unlink("f"));
  CHECK(memcmp(late, bytes, sizeof(bytes)) == 0);
  mix(late, sizeof(bytes));
  printf("at %p %p %p\n", (void *)read_only, (void *)copy, (void *)late);

  int self = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  struct stat st;
  CHECK_SYS(fstat(self, &st));
  unsigned char *image = CHECK_SYS(mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, self, 0));
  CHECK(memcmp(image, "\177ELF", 4) == 0);
  mix(image, (size_t)st.st_size);

  int write_only = CHECK_SYS(open("w", O_WRONLY | O_CREAT, 0600));
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, write_only, 0), EACCES);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, self, 100), EINVAL);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self, 0), EACCES);
  CHECK_ERRNO(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, CHECK_SYS(open(".", O_RDONLY)), 0), ENODEV);
  return done();
}
