/* Descriptors across exec of the program itself: those with close-on-exec are gone, the others keep their offsets. */
#include "guest.h"

#include <dirent.h>

static int after_exec(int kept, int gone) {
  CHECK_ERRNO(fcntl(gone, F_GETFD), EBADF);
  CHECK(lseek(kept, 0, SEEK_CUR) == 4);
  char text[8];
  CHECK(read(kept, text, sizeof(text)) == 3 && memcmp(text, "efg", 3) == 0);

  DIR *dir = opendir("/proc/self/fd");
  CHECK(dir != NULL);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));
    if (size > 0)
      mix(target, (size_t)size);
    mix(entry->d_name, strlen(entry->d_name));
    MIX(entry->d_ino);
  }
  closedir(dir);
  printf("pid %d runs again as %s\n", getpid(), program_invocation_short_name);
  return done();
}

int main(int argc, char **argv) {
  if (argc == 3)
    return after_exec(atoi(argv[1]), atoi(argv[2]));

  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/f", tmpdir());
  int kept = CHECK_SYS(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  int gone = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
  int marked = CHECK_SYS(open(path, O_RDONLY));
  CHECK_SYS(fcntl(marked, F_SETFD, FD_CLOEXEC));
  int copy = CHECK_SYS(dup(gone));
  CHECK(fcntl(copy, F_GETFD) == 0);
  CHECK_SYS(close(copy));
  CHECK(write(kept, "abcdefg", 7) == 7 && lseek(kept, 4, SEEK_SET) == 4);
  /* exec runs no exit handlers. */
  guest_cleanup();

  char number[2][16];
  snprintf(number[0], sizeof(number[0]), "%d", kept);
  snprintf(number[1], sizeof(number[1]), "%d", marked);
  execl("/proc/self/exe", argv[0], number[0], number[1], (char *)NULL);
  CHECK(!"exec");
}
