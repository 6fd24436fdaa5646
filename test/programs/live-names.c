// Files whose names, offsets and sizes are not what a look at each call alone makes of them: tells about all of them when it has
// been given a line.
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static void show(const char* what, int fd) {
  char text[64] = "";
  struct stat status;
  fstat(fd, &status);
  ssize_t size = pread(fd, text, sizeof text - 1, 0);
  if (size < 0) size = 0;
  printf("%s: %s, %o, %lld bytes, %lu names, at %lld\n", what, text, (unsigned)status.st_mode & 0777,
         (long long)status.st_size, (unsigned long)status.st_nlink, (long long)lseek(fd, 0, SEEK_CUR));
}

static int made(const char* path, const char* text, int flags) {
  const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | flags, 0644);
  write(fd, text, strlen(text));
  return fd;
}

// As sed and cp set permissions: by the attribute that holds them.
static int permit(int fd, int owner, int group, int others) {
  const struct {
    uint32_t version;
    struct {
      uint16_t tag, perm;
      uint32_t id;
    } entries[3];
  } acl = {2, {{1, owner, -1}, {4, group, -1}, {0x20, others, -1}}};
  return fsetxattr(fd, "system.posix_acl_access", &acl, sizeof acl, 0);
}

// Without a name for it in old headers.
#ifndef RWF_APPEND
#define RWF_APPEND 0x10
#endif

int main(void) {
  umask(022);
  char text[64];
  int was = open("was", O_RDWR);
  struct stat status;
  fstat(was, &status);
  while (read(was, text, sizeof text) > 0) {
  }
  unlink("was");

  int left = made("left", "left", 0);
  int right = made("right", "right!", 0);
  renameat2(AT_FDCWD, "left", AT_FDCWD, "right", RENAME_EXCHANGE);

  int twin = made("one", "twin", 0);
  link("one", "two");
  rename("one", "two");

  int log = made("log", "log", O_APPEND);
  int other = open("log", O_WRONLY | O_APPEND);
  write(other, " and more", 9);
  int reader = made("appended", "12345", O_APPEND);
  pwrite(reader, "678", 3, 0);
  read(reader, text, 2);

  int behind = made("behind", "end", 0);
  pwrite(behind, "", 0, 40);
  pread(behind, text, 8, 50);
  lseek(behind, 60, SEEK_SET);
  read(behind, text, 8);

  int told = made("told", "AAAA", 0);
  const struct iovec piece = {"BB", 2};
  pwritev2(told, &piece, 1, 0, RWF_APPEND);

  int same = made("same", "some text", 0);
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", same);
  int again = open(path, O_WRONLY | O_TRUNC);
  write(again, "again", 5);

  int mode = made("mode", "mode", 0);
  if (permit(mode, 7, 5, 1) != 0) fchmod(mode, 0751);

  puts("rests");
  fflush(stdout);
  fgets(text, sizeof text, stdin);

  show("was", was);
  show("left", left);
  show("right", right);
  show("twin", twin);
  show("log", log);
  show("reader", reader);
  show("behind", behind);
  show("told", told);
  show("same", same);
  show("mode", mode);
  const char* names[] = {"was", "left", "right", "one", "two", "log", "appended", "behind", "told", "same", "mode"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    const int fd = open(names[i], O_RDONLY);
    if (fd < 0)
      printf("%s: errno %d\n", names[i], errno);
    else
      show(names[i], fd);
    close(fd);
    unlink(names[i]);
  }
  return 0;
}
