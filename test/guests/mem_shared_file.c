/*
 * Shared file mappings: stores seen by read, writes seen by loads, two views of a page, a file that grows under the
 * mapping.
 */
#include "guest.h"

#include <sys/mman.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(ftruncate(fd, 10000));
  volatile char *a = CHECK_SYS(mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  volatile char *b = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096));
  volatile char *c = CHECK_SYS(mmap(NULL, 16384, PROT_READ, MAP_PRIVATE, fd, 0));

  a[4096] = 'x';
  CHECK(b[0] == 'x' && c[4096] == 'x');
  b[1] = 'y';
  CHECK(a[4097] == 'y');
  char text[16];
  CHECK(pread(fd, text, 2, 4096) == 2 && memcmp(text, "xy", 2) == 0);

  pid_t self = getpid();
  CHECK(pwrite(fd, &self, sizeof(self), 4104) == sizeof(self));
  CHECK(memcmp((char *)b + 8, &self, sizeof(self)) == 0);
  CHECK(memcmp((char *)a + 4104, &self, sizeof(self)) == 0);

  /* Bytes after the end in the last page can be stored, but are not in the file, and vanish when it grows by write. */
  a[10001] = 'z';
  CHECK(lseek(fd, 0, SEEK_END) == 10000);
  CHECK(pread(fd, text, sizeof(text), 9999) == 1);
  CHECK_SYS(ftruncate(fd, 16384));
  a[16383] = 'e';
  CHECK(pread(fd, text, 1, 16383) == 1 && text[0] == 'e');
  CHECK(pwrite(fd, "grown", 5, 12288) == 5 && a[12288] == 'g' && a[12292] == 'n');

  /* A view of the same file opened again. */
  int again = CHECK_SYS(open("f", O_RDWR));
  volatile char *d = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 12288));
  d[0] = 'G';
  CHECK(a[12288] == 'G' && c[12288] == 'G');

  /* Cut and grown by its name: what was behind the new end is gone. */
  char path[PATH_MAX + 3];
  CHECK(getcwd(path, PATH_MAX) != NULL);
  CHECK_SYS(truncate("f", 12290));
  CHECK_SYS(truncate(strcat(path, "/f"), 16384));
  CHECK(a[12289] == 'r' && a[12290] == '\0' && a[16383] == '\0');
  mix((char *)a, 16384);

  /* What names a place is appended all the same. */
  int end = CHECK_SYS(open("f", O_RDWR | O_APPEND));
  CHECK_SYS(truncate("f", 8190));
  const char first = a[0];
  CHECK(pwrite(end, "tail", 4, 0) == 4 && a[8190] == 't' && a[8193] == 'l' && a[0] == first);
  mix((char *)a, 8194);

  /* A write that fails can have made a file of memory longer. */
  int memory = CHECK_SYS(memfd_create("f", 0));
  volatile char *m = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
  CHECK_ERRNO(pwrite(memory, (void *)0x1000, 100, 5000), EFAULT);
  off_t size = CHECK_SYS(lseek(memory, 0, SEEK_END));
  for (off_t i = 0; i < size; i++)
    CHECK(m[i] == 0);
  printf("made it %ld long\n", (long)size);
  printf("%p %p %p %p\n", (void *)a, (void *)b, (void *)c, (void *)d);
  return done();
}
