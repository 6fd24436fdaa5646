/* link, symlink, readlink, unlink, rename and renameat2's EXCHANGE and NOREPLACE. */
#include "guest.h"

#include <sys/stat.h>
#include <sys/syscall.h>

static void make(const char *path, const char *text) {
  int fd = CHECK_SYS(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  CHECK_SYS(close(fd));
}

static int has(const char *path, const char *text) {
  char back[16] = {0};
  int fd = CHECK_SYS(open(path, O_RDONLY));
  ssize_t size = CHECK_SYS(read(fd, back, sizeof(back) - 1));
  CHECK_SYS(close(fd));
  return size == (ssize_t)strlen(text) && strcmp(back, text) == 0;
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  make("a", "first");
  make("b", "second");
  struct stat st;

  CHECK_SYS(link("a", "hard"));
  CHECK_SYS(stat("hard", &st));
  CHECK(st.st_nlink == 2);
  MIX(st.st_ino);
  CHECK_ERRNO(link("a", "hard"), EEXIST);
  CHECK_SYS(linkat(AT_FDCWD, "a", AT_FDCWD, "hard2", 0));
  CHECK_SYS(unlink("hard2"));
  CHECK_SYS(unlinkat(AT_FDCWD, "hard", 0));
  CHECK_ERRNO(unlink("hard"), ENOENT);

  char text[16];
  memset(text, '#', sizeof(text));
  CHECK_SYS(symlink("0123456789", "sym"));
  CHECK(readlink("sym", text, 4) == 4 && memcmp(text, "0123####", 8) == 0);
  CHECK(readlink("sym", text, sizeof(text)) == 10 && memcmp(text, "0123456789######", 16) == 0);
  CHECK(readlinkat(AT_FDCWD, "sym", text, 1) == 1);
  CHECK_ERRNO(readlink("a", text, 4), EINVAL);
  CHECK_ERRNO(syscall(SYS_readlink, "sym", text, 0L), EINVAL);
  CHECK_SYS(symlinkat("loop", AT_FDCWD, "loop"));
  CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);

  CHECK_SYS(rename("a", "c"));
  CHECK_ERRNO(access("a", F_OK), ENOENT);
  CHECK_SYS(renameat(AT_FDCWD, "c", AT_FDCWD, "b"));
  CHECK(has("b", "first"));
  make("a", "third");
  CHECK_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
  if (renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) == 0)
    CHECK(has("a", "first") && has("b", "third"));
  else
    printf("exchange: errno %d\n", errno);
  CHECK_ERRNO(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);

  CHECK_SYS(mkdir("d", 0700));
  CHECK_SYS(mkdir("d/e", 0700));
  CHECK_ERRNO(rename("d", "d/e/f"), EINVAL);
  CHECK_ERRNO(rename("a", "d"), EISDIR);
  CHECK_ERRNO(rename("d/e", "a"), ENOTDIR);
  CHECK_ERRNO(rmdir("d"), ENOTEMPTY);

  /* An open file goes on without its name. */
  int fd = CHECK_SYS(open("a", O_RDONLY));
  CHECK_SYS(unlink("a"));
  CHECK(read(fd, text, sizeof(text)) == 5);
  CHECK_SYS(fstat(fd, &st));
  CHECK(st.st_nlink == 0);
  char path[64], target[PATH_MAX] = "";
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  CHECK_SYS(readlink(path, target, sizeof(target) - 1));
  CHECK(strstr(target, " (deleted)") != NULL);
  printf("%s\n", target);
  return done();
}
