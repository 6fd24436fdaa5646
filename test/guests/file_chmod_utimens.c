/* umask, chmod, chown and the ways to set times. */
#include "guest.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <utime.h>

static struct stat now(const char *path) {
  struct stat st;
  CHECK_SYS(lstat(path, &st));
  MIX(st.st_ctim);
  return st;
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  mode_t before = umask(027);
  CHECK(umask(027) == 027);
  printf("umask was %03o\n", before);
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0666));
  CHECK((now("f").st_mode & 07777) == 0640);
  CHECK_SYS(mkdir("d", 0777));
  CHECK((now("d").st_mode & 0777) == 0750);

  CHECK_SYS(chmod("f", 0604));
  CHECK((now("f").st_mode & 07777) == 0604);
  CHECK_SYS(fchmod(fd, 0444));
  CHECK_SYS(fchmodat(AT_FDCWD, "f", 04755, 0));
  CHECK((now("f").st_mode & 07777) == 04755);
  CHECK_ERRNO(chmod("none", 0), ENOENT);
#ifdef SYS_fchmodat2
  printf("fchmodat2 %ld\n", syscall(SYS_fchmodat2, AT_FDCWD, "f", 0700, 0));
#endif

  CHECK_SYS(chown("f", -1, -1));
  CHECK_SYS(fchown(fd, geteuid(), getegid()));
  CHECK_SYS(symlink("f", "link"));
  CHECK_SYS(lchown("link", geteuid(), getegid()));
  CHECK_SYS(fchownat(AT_FDCWD, "link", geteuid(), -1, AT_SYMLINK_NOFOLLOW));
  printf("to another: %d\n", chown("f", 12345, 12345));
  printf("owner %u\n", now("f").st_uid);

  struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 123456789}, {.tv_sec = -5, .tv_nsec = 0}};
  CHECK_SYS(utimensat(AT_FDCWD, "f", times, 0));
  struct stat st = now("f");
  CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == -5);
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_nsec = UTIME_NOW;
  CHECK_SYS(futimens(fd, times));
  st = now("f");
  CHECK(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec > 1000000000);
  printf("set to now: %lld.%09ld\n", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  times[1].tv_nsec = 1000000000;
  CHECK_ERRNO(utimensat(AT_FDCWD, "f", times, 0), EINVAL);

  CHECK_SYS(syscall(SYS_utime, "f", &(struct utimbuf){7, 8}));
  CHECK(now("f").st_mtim.tv_sec == 8);
  CHECK_SYS(syscall(SYS_utimes, "f", (struct timeval[]){{9, 1}, {10, 2}}));
  CHECK(now("f").st_mtim.tv_sec == 10 && now("f").st_mtim.tv_nsec == 2000);
  CHECK_SYS(syscall(SYS_futimesat, AT_FDCWD, "f", NULL));
  CHECK(now("f").st_mtim.tv_sec > 1000000000);
  CHECK_SYS(utimensat(AT_FDCWD, "link", (struct timespec[]){{3, 0}, {4, 0}}, AT_SYMLINK_NOFOLLOW));
  CHECK(now("link").st_mtim.tv_sec == 4);
  return done();
}
