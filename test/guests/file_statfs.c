/* statfs, fstatfs, ustat and sysfs: numbers of the file systems. */
#include "guest.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/stat.h>

int main(void) {
  const char *places[] = {tmpdir(), "/", "/proc", "/dev", "/sys"};
  struct statfs fs;
  for (int i = 0; i < 5; i++) {
    memset(&fs, 0xa5, sizeof(fs));
    CHECK_SYS(statfs(places[i], &fs));
    printf("%d: type %#lx blocks %lu free %lu files %lu id %#x %#x\n", i, (unsigned long)fs.f_type, fs.f_blocks,
           fs.f_bfree, fs.f_files, (unsigned)fs.f_fsid.__val[0], (unsigned)fs.f_fsid.__val[1]);
    MIX(fs);
  }
  CHECK_SYS(statfs("/proc", &fs));
  CHECK(fs.f_type == 0x9fa0);

  int fd = CHECK_SYS(open(tmpdir(), O_RDONLY));
  struct statfs by_fd;
  CHECK_SYS(fstatfs(fd, &by_fd));
  CHECK_SYS(statfs(tmpdir(), &fs));
  CHECK(fs.f_type == by_fd.f_type && fs.f_bsize == by_fd.f_bsize && fs.f_namelen == by_fd.f_namelen);
  struct statvfs vfs;
  CHECK_SYS(statvfs(tmpdir(), &vfs));
  CHECK((long)vfs.f_bsize == (long)fs.f_bsize);

  struct stat st;
  CHECK_SYS(fstat(fd, &st));
  char ustat[32];
  memset(ustat, 0x5a, sizeof(ustat));
  long result = syscall(SYS_ustat, (unsigned)st.st_dev, ustat);
  printf("ustat %ld errno %d\n", result, result == -1 ? errno : 0);
  MIX(ustat);
  char name[64];
  memset(name, 0x5a, sizeof(name));
  long count = syscall(SYS_sysfs, 3);
  result = syscall(SYS_sysfs, 2, 1, name);
  printf("%ld file systems, sysfs %ld\n", count, result);
  MIX(name);

  CHECK_ERRNO(statfs("/none/such", &fs), ENOENT);
  CHECK_ERRNO(fstatfs(999, &fs), EBADF);
  return done();
}
