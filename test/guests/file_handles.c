/* name_to_handle_at: a structure of variable length; the needed size comes back in it. */
#include "guest.h"

#include <sys/ioctl.h>
#include <linux/fs.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  struct {
    struct file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle;
  int mount;

  memset(&handle, 0xee, sizeof(handle));
  handle.head.handle_bytes = 0;
  if (name_to_handle_at(AT_FDCWD, "f", &handle.head, &mount, 0) == -1 && errno != EOVERFLOW) {
    printf("errno %d\n", errno);
    skip("no file handles here");
  }
  unsigned needed = handle.head.handle_bytes;
  printf("%u bytes\n", needed);
  CHECK(needed > 0 && needed <= MAX_HANDLE_SZ);
  handle.head.handle_bytes = MAX_HANDLE_SZ;
  CHECK_SYS(name_to_handle_at(fd, "", &handle.head, &mount, AT_EMPTY_PATH));
  CHECK(handle.head.handle_bytes == needed);
  printf("type %d mount %d\n", handle.head.handle_type, mount);
  MIX(handle);

  int dir = CHECK_SYS(open(".", O_RDONLY));
  int again = open_by_handle_at(dir, &handle.head, O_RDONLY);
  printf("open_by_handle_at: %d errno %d\n", again, again == -1 ? errno : 0);

  int flags = 0;
  int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
  printf("flags: %d %#x\n", result, flags);
  uint32_t version[2] = {0xeeeeeeee, 0xeeeeeeee};
  result = ioctl(fd, FS_IOC_GETVERSION, version);
  printf("version: %d %u\n", result, version[0]);
  return done();
}
