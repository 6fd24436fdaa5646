/* fanotify: events that carry new descriptors and pids; refused without privilege. */
#include "guest.h"

#include <sys/fanotify.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
  if (fd == -1) {
    CHECK(errno == EPERM || errno == ENOSYS);
    skip(strerror(errno));
  }
  CHECK_SYS(close(CHECK_SYS(creat("f", 0600))));
  CHECK_SYS(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, "f"));
  int file = CHECK_SYS(open("f", O_WRONLY));
  CHECK(write(file, "text", 4) == 4);
  CHECK_SYS(close(file));

  char buffer[4096] __attribute__((aligned(8)));
  memset(buffer, 0xee, sizeof(buffer));
  uint64_t seen = 0;
  for (ssize_t size; (size = read(fd, buffer, sizeof(buffer))) > 0;) {
    mix(buffer, (size_t)size);
    struct fanotify_event_metadata *event = (void *)buffer;
    for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
      CHECK(event->vers == FANOTIFY_METADATA_VERSION && event->pid == getpid());
      printf("mask %#llx fd %d pid %d\n", (unsigned long long)event->mask, event->fd, event->pid);
      seen |= event->mask;
      char text[8];
      CHECK(read(event->fd, text, sizeof(text)) == 4);
      CHECK_SYS(close(event->fd));
    }
  }
  CHECK(errno == EAGAIN && seen == (FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE));
  return done();
}
