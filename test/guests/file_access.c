/* access, faccessat and faccessat2. Root may do nearly all, so what only mode bits decide is printed, not checked. */
#include "guest.h"

#include <sys/stat.h>
#include <sys/syscall.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  CHECK_SYS(close(CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0400))));
  CHECK_SYS(symlink("nowhere", "dangling"));

  CHECK_SYS(access("f", F_OK));
  CHECK_SYS(syscall(SYS_access, "f", R_OK));
  CHECK_ERRNO(access("f", X_OK), EACCES);
  CHECK_ERRNO(access("none", F_OK), ENOENT);
  CHECK_ERRNO(access("f/none", F_OK), ENOTDIR);
  CHECK_ERRNO(access("f", 64), EINVAL);
  CHECK_ERRNO(access("dangling", F_OK), ENOENT);
  printf("write: %d\n", access("f", W_OK));
  CHECK_SYS(chmod("f", 0500));
  CHECK_SYS(access("f", R_OK | X_OK));

  int dir = CHECK_SYS(open(".", O_PATH));
  CHECK_SYS(syscall(SYS_faccessat, dir, "f", R_OK));
  long result = syscall(SYS_faccessat2, dir, "dangling", F_OK, AT_SYMLINK_NOFOLLOW);
  CHECK(result == 0 || errno == ENOSYS || errno == EPERM);
  if (result == 0) {
    CHECK_SYS(syscall(SYS_faccessat2, dir, "", F_OK, AT_EMPTY_PATH));
    CHECK_SYS(syscall(SYS_faccessat2, dir, "f", R_OK, AT_EACCESS));
    CHECK_ERRNO(syscall(SYS_faccessat2, dir, "f", R_OK, 0x8000), EINVAL);
  }
  const char *places[] = {"/etc/shadow", "/proc/kcore", "/dev/mem", "/root"};
  for (int i = 0; i < 4; i++) {
    result = access(places[i], R_OK);
    printf("%s: %ld errno %d\n", places[i], result, result == -1 ? errno : 0);
  }
  return done();
}
