/* chdir, fchdir and getcwd, down to a directory that is gone. */
#include "guest.h"

#include <sys/stat.h>
#include <sys/syscall.h>

int main(void) {
  int start = CHECK_SYS(open(".", O_PATH | O_DIRECTORY));
  char first[PATH_MAX], path[PATH_MAX];
  CHECK(getcwd(first, sizeof(first)) != NULL);
  printf("started in %s\n", first);

  CHECK_SYS(chdir(tmpdir()));
  CHECK(getcwd(path, sizeof(path)) != NULL);
  size_t length = strlen(path);
  printf("now in %s\n", path);

  /* The raw call counts the NUL and leaves the rest of the buffer alone. */
  memset(path, 0xee, sizeof(path));
  CHECK(syscall(SYS_getcwd, path, sizeof(path)) == (long)length + 1);
  MIX(path);
  CHECK_ERRNO(syscall(SYS_getcwd, path, length), ERANGE);
  CHECK(syscall(SYS_getcwd, path, length + 1) == (long)length + 1);

  char name[201];
  memset(name, 'n', 200);
  name[200] = '\0';
  for (int depth = 0; depth < 12; depth++) {
    CHECK_SYS(mkdir(name, 0700));
    CHECK_SYS(chdir(name));
  }
  CHECK(getcwd(path, sizeof(path)) != NULL && strlen(path) == length + 12 * 201);
  MIX(path);

  CHECK_SYS(mkdir("gone", 0700));
  CHECK_SYS(chdir("gone"));
  CHECK_SYS(rmdir("../gone"));
  CHECK_ERRNO(getcwd(path, sizeof(path)) ? 0 : -1, ENOENT);
  CHECK_ERRNO(chdir("/none/such"), ENOENT);
  CHECK_ERRNO(chdir("/proc/self/status"), ENOTDIR);
  CHECK_SYS(fchdir(start));
  CHECK(getcwd(path, sizeof(path)) != NULL && strcmp(path, first) == 0);
  CHECK_ERRNO(fchdir(999), EBADF);
  return done();
}
