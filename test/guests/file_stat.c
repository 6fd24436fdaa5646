/* stat, lstat, fstat, fstatat: every byte of the structure, padding and reserved words included. */
#include "guest.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static void show(const char *what, const struct stat *st) {
  printf("%s: dev %u:%u ino %lu mode %o nlink %lu size %lld mtime %lld.%09ld\n", what, major(st->st_dev),
         minor(st->st_dev), (unsigned long)st->st_ino, st->st_mode, (unsigned long)st->st_nlink, (long long)st->st_size,
         (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
  mix(st, sizeof(*st));
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));
  CHECK(write(fd, "12345", 5) == 5);
  CHECK_SYS(symlink("f", "link"));
  struct stat st, other;

  memset(&st, 0xa5, sizeof(st));
  CHECK_SYS(syscall(SYS_stat, "link", &st));
  CHECK(S_ISREG(st.st_mode) && st.st_size == 5 && st.st_uid == geteuid());
  show("stat", &st);

  memset(&other, 0xa5, sizeof(other));
  CHECK_SYS(syscall(SYS_fstat, fd, &other));
  CHECK(memcmp(&st, &other, sizeof(st)) == 0);

  memset(&other, 0x5a, sizeof(other));
  CHECK_SYS(syscall(SYS_newfstatat, AT_FDCWD, "f", &other, 0));
  CHECK(memcmp(&st, &other, sizeof(st)) == 0);
  CHECK_SYS(fstatat(fd, "", &other, AT_EMPTY_PATH));
  CHECK(other.st_ino == st.st_ino);

  CHECK_SYS(syscall(SYS_lstat, "link", &st));
  CHECK(S_ISLNK(st.st_mode) && st.st_size == 1);
  show("lstat", &st);
  CHECK_SYS(fstatat(AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW));
  CHECK(S_ISLNK(st.st_mode));

  const char *places[] = {".", "/", "/dev/null", "/proc/self/exe", "/etc/passwd"};
  for (int i = 0; i < 5; i++) {
    CHECK_SYS(stat(places[i], &st));
    show(places[i], &st);
  }
  CHECK_SYS(fstat(STDOUT_FILENO, &st));
  show("stdout", &st);

  /* A failed call leaves the structure alone. */
  memset(&st, 0x77, sizeof(st));
  other = st;
  CHECK_ERRNO(stat("none", &st), ENOENT);
  CHECK_ERRNO(fstat(999, &st), EBADF);
  CHECK(memcmp(&st, &other, sizeof(st)) == 0);
  CHECK_ERRNO(syscall(SYS_fstat, fd, 8L), EFAULT);
  return done();
}
