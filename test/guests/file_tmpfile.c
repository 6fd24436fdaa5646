/* O_TMPFILE: a file without a name, which linkat gives one through /proc/self/fd. */
#include "guest.h"

#include <sys/stat.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = open(".", O_TMPFILE | O_RDWR, 0600);
  if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR))
    skip("the file system has no O_TMPFILE");
  CHECK_SYS(fd);
  CHECK(write(fd, "nameless", 8) == 8);

  struct stat st;
  CHECK_SYS(fstat(fd, &st));
  CHECK(st.st_nlink == 0 && st.st_size == 8);
  printf("inode %lu mode %o\n", (unsigned long)st.st_ino, st.st_mode);

  char path[64], target[PATH_MAX] = "";
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  CHECK_SYS(readlink(path, target, sizeof(target) - 1));
  printf("%s -> %s\n", path, target);

  CHECK_SYS(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  struct stat named;
  CHECK_SYS(stat("named", &named));
  CHECK(named.st_ino == st.st_ino && named.st_nlink == 1);
  MIX(named.st_ctim);

  int again = CHECK_SYS(open("named", O_RDONLY));
  char text[16];
  CHECK(read(again, text, sizeof(text)) == 8 && memcmp(text, "nameless", 8) == 0);

  /* O_EXCL here means: never linkable. */
  int excl = CHECK_SYS(open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600));
  snprintf(path, sizeof(path), "/proc/self/fd/%d", excl);
  CHECK_ERRNO(linkat(AT_FDCWD, path, AT_FDCWD, "other", AT_SYMLINK_FOLLOW), ENOENT);
  return done();
}
