/* open, openat, openat2 and creat: flags that change the result, and the errors they promise. */
#include "guest.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static void show(const char *what, int fd) {
  struct stat st;
  CHECK_SYS(fstat(fd, &st));
  printf("%s: fd %d flags %#x inode %lu\n", what, fd, CHECK_SYS(fcntl(fd, F_GETFL)), (unsigned long)st.st_ino);
  MIX(st.st_mtim);
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int dir = CHECK_SYS(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  show("directory", dir);

  int fd = CHECK_SYS(openat(dir, "a", O_RDWR | O_CREAT | O_EXCL, 0640));
  show("created", fd);
  CHECK(write(fd, "hello", 5) == 5);
  CHECK_ERRNO(openat(dir, "a", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
  CHECK_SYS(close(fd));

  fd = CHECK_SYS(open("a", O_WRONLY | O_APPEND));
  CHECK(write(fd, " world", 6) == 6 && lseek(fd, 0, SEEK_CUR) == 11);
  CHECK_ERRNO(read(fd, (char[1]){0}, 1), EBADF);
  show("append", fd);
  CHECK_SYS(close(fd));

  fd = CHECK_SYS(open("a", O_RDONLY | O_TRUNC));
  CHECK(lseek(fd, 0, SEEK_END) == 0);
  CHECK_SYS(close(fd));

  fd = CHECK_SYS(creat("b", 0600));
  show("creat", fd);
  CHECK_SYS(close(fd));

  CHECK_SYS(symlink("a", "link"));
  CHECK_ERRNO(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK_ERRNO(open("link", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
  CHECK_ERRNO(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
  CHECK_ERRNO(open("a/b", O_RDONLY), ENOTDIR);
  CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
  CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
  CHECK_ERRNO(open("", O_RDONLY), ENOENT);
  CHECK_ERRNO(open((const char *)8, O_RDONLY), EFAULT);
  CHECK_ERRNO(openat(dir | 0x4000, "a", O_RDONLY), EBADF);

  int path = CHECK_SYS(open("link", O_PATH | O_NOFOLLOW));
  struct stat st;
  CHECK_SYS(fstat(path, &st));
  CHECK(S_ISLNK(st.st_mode));
  CHECK_ERRNO(read(path, (char[1]){0}, 1), EBADF);
  char target[8] = {0};
  CHECK(readlinkat(path, "", target, sizeof(target)) == 1 && target[0] == 'a');
  show("path", path);

  fd = openat2(dir, "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS);
  printf("openat2 without symlinks: %d errno %d\n", fd, errno);
  if (fd == -1 && errno == ENOSYS)
    return done();
  CHECK(fd == -1 && errno == ELOOP);
  CHECK_ERRNO(openat2(dir, "../x", O_RDONLY, 0, RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(openat2(dir, "a", O_RDONLY, 0600, 0), EINVAL);
  fd = CHECK_SYS(openat2(dir, "/b", O_RDWR, 0, RESOLVE_IN_ROOT));
  show("in root", fd);
  struct {
    struct open_how how;
    uint64_t extra;
  } big = {.how = {.flags = O_RDONLY}, .extra = 1};
  CHECK_ERRNO(syscall(SYS_openat2, dir, "a", &big, sizeof(big)), E2BIG);
  return done();
}
