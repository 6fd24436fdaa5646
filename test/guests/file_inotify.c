/*
 * inotify: events with names, renames tied by a cookie, a queue read with odd buffer sizes, a watch that ends by
 * itself.
 */
#include "guest.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static void drain(int fd, size_t size) {
  char buffer[4096] __attribute__((aligned(8)));
  for (;;) {
    memset(buffer, 0xee, sizeof(buffer));
    ssize_t got = read(fd, buffer, size);
    if (got == -1) {
      CHECK(errno == EAGAIN);
      return;
    }
    MIX(buffer);
    for (ssize_t at = 0; at < got;) {
      struct inotify_event *event = (struct inotify_event *)(buffer + at);
      printf("wd %d mask %#x cookie %u %s\n", event->wd, event->mask, event->cookie, event->len ? event->name : "");
      at += (ssize_t)(sizeof(*event) + event->len);
    }
  }
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  int wd = CHECK_SYS(inotify_add_watch(fd, ".", IN_ALL_EVENTS));
  CHECK_ERRNO(read(fd, (char[64]){0}, 64), EAGAIN);

  int file = CHECK_SYS(open("one", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(write(file, "x", 1) == 1);
  CHECK_SYS(close(file));
  CHECK_SYS(rename("one", "another name that is longer"));
  CHECK_SYS(mkdir("dir", 0700));

  struct pollfd wait = {.fd = fd, .events = POLLIN};
  CHECK(poll(&wait, 1, -1) == 1 && wait.revents == POLLIN);
  int waiting;
  CHECK_SYS(ioctl(fd, FIONREAD, &waiting));
  printf("%d bytes wait\n", waiting);
  CHECK_ERRNO(read(fd, (char[4]){0}, 4), EINVAL);
  drain(fd, 64);

  int self = CHECK_SYS(inotify_add_watch(fd, "dir", IN_DELETE_SELF | IN_ONLYDIR));
  CHECK(self != wd);
  CHECK_SYS(unlink("another name that is longer"));
  CHECK_SYS(rmdir("dir"));
  drain(fd, 4096);
  CHECK_ERRNO(inotify_rm_watch(fd, self), EINVAL);
  CHECK_SYS(inotify_rm_watch(fd, wd));
  drain(fd, 4096);
  CHECK_ERRNO(inotify_add_watch(fd, "none", IN_ALL_EVENTS), ENOENT);
  return done();
}
