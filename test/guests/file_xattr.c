/* Extended attributes: sizes asked for with a NULL buffer, lists, values that don't fit. */
#include "guest.h"

#include <sys/xattr.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  if (setxattr("f", "user.one", "1", 1, 0) == -1) {
    CHECK(errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM);
    skip("the file system has no user attributes");
  }
  unsigned char random[64], value[128];
  int source = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  CHECK(read(source, random, sizeof(random)) == sizeof(random));
  CHECK_SYS(fsetxattr(fd, "user.two", random, sizeof(random), XATTR_CREATE));
  CHECK_ERRNO(fsetxattr(fd, "user.two", "x", 1, XATTR_CREATE), EEXIST);
  CHECK_ERRNO(setxattr("f", "user.three", "x", 1, XATTR_REPLACE), ENODATA);
  CHECK_SYS(setxattr("f", "user.empty", NULL, 0, 0));

  CHECK(getxattr("f", "user.two", NULL, 0) == sizeof(random));
  memset(value, 0xee, sizeof(value));
  CHECK(fgetxattr(fd, "user.two", value, sizeof(value)) == sizeof(random));
  CHECK(memcmp(value, random, sizeof(random)) == 0 && value[sizeof(random)] == 0xee);
  MIX(value);
  CHECK_ERRNO(getxattr("f", "user.two", value, 3), ERANGE);
  CHECK_ERRNO(getxattr("f", "user.none", value, 3), ENODATA);
  CHECK(getxattr("f", "user.empty", value, sizeof(value)) == 0);

  char names[256];
  memset(names, '#', sizeof(names));
  ssize_t size = CHECK_SYS(listxattr("f", names, sizeof(names)));
  CHECK(flistxattr(fd, NULL, 0) == size && size >= 29);
  CHECK_ERRNO(llistxattr("f", names, 3), ERANGE);
  MIX(names);
  for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
    printf("%s\n", names + at);

  CHECK_SYS(symlink("f", "link"));
  CHECK(getxattr("link", "user.one", value, 1) == 1);
  CHECK(lgetxattr("link", "user.one", value, 1) == -1);
  CHECK_SYS(removexattr("f", "user.one"));
  CHECK_SYS(fremovexattr(fd, "user.two"));
  CHECK_ERRNO(lremovexattr("f", "user.one"), ENODATA);
  return done();
}
