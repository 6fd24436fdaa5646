/* getdents64 and getdents over a directory that takes many calls, in the kernel's (hashed) order; seeking in it. */
#include "guest.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { FILES = 1500 };

static int list(int fd, size_t size, long number) {
  char buffer[32768];
  CHECK(size <= sizeof(buffer));
  int entries = 0;
  for (;;) {
    memset(buffer, 0xee, size);
    long got = CHECK_SYS(syscall(number, fd, buffer, size));
    if (got == 0)
      return entries;
    /* The whole buffer: what lies between the names, and behind the last entry, must be the same as well. */
    mix(buffer, size);
    for (long at = 0; at < got; entries++)
      at += *(unsigned short *)(buffer + at + 16);
  }
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  CHECK_SYS(mkdir("many", 0700));
  CHECK_ERRNO(mkdir("many", 0700), EEXIST);
  CHECK_SYS(mkdirat(AT_FDCWD, "empty", 0700));
  int dir = CHECK_SYS(open("many", O_RDONLY | O_DIRECTORY));
  for (int i = 0; i < FILES; i++) {
    char name[128];
    snprintf(name, sizeof(name), "file-%0*d", 1 + i % 80, i);
    CHECK_SYS(close(CHECK_SYS(openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600))));
  }

  CHECK(list(dir, 32768, SYS_getdents64) == FILES + 2);
  CHECK(lseek(dir, 0, SEEK_SET) == 0 && list(dir, 1000, SYS_getdents64) == FILES + 2);
  CHECK(lseek(dir, 0, SEEK_SET) == 0 && list(dir, 4096, SYS_getdents) == FILES + 2);
  CHECK(lseek(dir, 0, SEEK_SET) == 0);
  char tiny[20];
  CHECK_ERRNO(syscall(SYS_getdents64, dir, tiny, sizeof(tiny)), EINVAL);

  DIR *stream = opendir("many");
  CHECK(stream != NULL);
  long middle = 0;
  char name[256] = "";
  for (int i = 0; i < 700; i++) {
    struct dirent *entry = readdir(stream);
    CHECK(entry != NULL);
    if (i == 600)
      middle = telldir(stream);
    if (i == 601)
      snprintf(name, sizeof(name), "%s", entry->d_name);
  }
  printf("at %ld comes %s\n", middle, name);
  seekdir(stream, middle);
  CHECK(strcmp(readdir(stream)->d_name, name) == 0);
  closedir(stream);

  CHECK_ERRNO(rmdir("many"), ENOTEMPTY);
  int empty = CHECK_SYS(open("empty", O_RDONLY));
  CHECK_SYS(rmdir("empty"));
  char buffer[1024];
  CHECK_ERRNO(syscall(SYS_getdents64, empty, buffer, sizeof(buffer)), ENOENT);
  CHECK_ERRNO(syscall(SYS_getdents64, STDIN_FILENO, buffer, sizeof(buffer)), ENOTDIR);
  return done();
}
