/* A thread that sleeps in open(2) has its descriptor's number already; another gets the next ones meanwhile. */
#include "guest_tasks.h"

static int sleeper = -1;

static void *open_reader(void *path) {
  sleeper = CHECK_SYS(open(path, O_RDONLY));
  return NULL;
}

int main(void) {
  char path[] = "numbers.fifo";
  unlink(path);
  CHECK_SYS(mkfifo(path, 0600));
  int lowest = CHECK_SYS(dup(0));
  CHECK_SYS(close(lowest));
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, open_reader, path));
  /* It is refused as long as nobody sleeps there. */
  int writer;
  while ((writer = open(path, O_WRONLY | O_NONBLOCK)) < 0 && errno == ENXIO)
    nap_us(500);
  CHECK_SYS(writer);
  int next = CHECK_SYS(dup(writer));
  CHECK_ZERO(pthread_join(thread, NULL));
  /* An open that is refused has the lowest number for a moment, too: the thread may have found it taken. */
  CHECK(sleeper == lowest || (sleeper == lowest + 1 && writer == lowest));
  CHECK(sleeper + writer == 2 * lowest + 1 && next == lowest + 2);
  MIX(sleeper);
  CHECK_SYS(unlink(path));
  return done();
}
