/* statx: a mask that asks for more or less than the file system has, and 256 bytes of answer. */
#include "guest.h"

#include <linux/stat.h>
#include <sys/syscall.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));
  CHECK(write(fd, "12345", 5) == 5);

  static const unsigned masks[] = {STATX_BASIC_STATS, STATX_ALL, STATX_SIZE, 0, STATX_BTIME | STATX_MNT_ID, 0x7fffffff};
  struct statx stx;
  for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
    memset(&stx, 0xa5, sizeof(stx));
    long result = syscall(SYS_statx, AT_FDCWD, "f", 0, masks[i], &stx);
    if (result == -1 && errno == ENOSYS)
      skip("no statx");
    CHECK_SYS(result);
    CHECK(stx.stx_size == 5 && stx.stx_uid == geteuid());
    printf("mask %#x: %#x attributes %#llx inode %llu mount %llu\n", masks[i], stx.stx_mask,
           (unsigned long long)stx.stx_attributes, (unsigned long long)stx.stx_ino, (unsigned long long)stx.stx_mnt_id);
    MIX(stx);
  }
  CHECK_SYS(syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_ALL, &stx));
  CHECK(stx.stx_size == 5);
  MIX(stx);
  CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "none", 0, STATX_ALL, &stx), ENOENT);
  CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "f", 0x40000000, STATX_ALL, &stx), EINVAL);
  CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000, &stx), EINVAL);
  CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_ALL, 8L), EFAULT);
  return done();
}
