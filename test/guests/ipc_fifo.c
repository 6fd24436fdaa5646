/* FIFOs: open waits for the other side, across processes; without O_NONBLOCK, ENXIO; end of file and a new writer. */
#include "guest.h"

#include <poll.h>
#include <sys/stat.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  CHECK_SYS(mkfifo("there", 0600));
  CHECK_SYS(mknod("back", S_IFIFO | 0600, 0));
  CHECK_ERRNO(mkfifo("there", 0600), EEXIST);
  CHECK_ERRNO(open("there", O_WRONLY | O_NONBLOCK), ENXIO);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    int in = CHECK_SYS(open("there", O_RDONLY));
    int out = CHECK_SYS(open("back", O_WRONLY));
    char text[64];
    ssize_t got;
    while ((got = CHECK_SYS(read(in, text, sizeof(text)))) > 0)
      CHECK(write(out, text, (size_t)got) == got);
    pid_t self = getpid();
    CHECK(write(out, &self, sizeof(self)) == sizeof(self));
    _exit(0);
  }
  int out = CHECK_SYS(open("there", O_WRONLY));
  int in = CHECK_SYS(open("back", O_RDONLY));
  char text[64];
  for (int i = 0; i < 5; i++) {
    int size = snprintf(text, sizeof(text), "message %d of %d", i, getpid());
    CHECK(write(out, text, (size_t)size) == size);
    char echo[64];
    CHECK(read(in, echo, sizeof(echo)) == size && memcmp(text, echo, (size_t)size) == 0);
    printf("%.*s\n", size, echo);
  }
  CHECK_SYS(close(out));
  pid_t self;
  CHECK(read(in, &self, sizeof(self)) == sizeof(self) && self == child);
  CHECK(read(in, &self, sizeof(self)) == 0);
  wait_ok(child);

  /* A reader that stays sees the hang-up, then the next writer. */
  int reader = CHECK_SYS(open("there", O_RDONLY | O_NONBLOCK));
  CHECK(read(reader, text, 1) == 0);
  int writer = CHECK_SYS(open("there", O_WRONLY | O_NONBLOCK));
  CHECK_ERRNO(read(reader, text, 1), EAGAIN);
  CHECK_SYS(close(writer));
  struct pollfd wait = {.fd = reader, .events = POLLIN};
  CHECK(poll(&wait, 1, -1) == 1 && wait.revents == POLLHUP);
  writer = CHECK_SYS(open("there", O_WRONLY));
  CHECK(poll(&wait, 1, 0) == 0);
  int both = CHECK_SYS(open("back", O_RDWR));
  CHECK(write(both, "self", 4) == 4 && read(both, text, 64) == 4);
  return done();
}
