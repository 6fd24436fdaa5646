/*
 * Writes of a megabyte into a pipe that another process empties slowly: each has to be whole, whatever becomes of the
 * recorder meanwhile. A third process reads what no log can hold in little room, and so fills the disk.
 */
#include "../guests/guest.h"

#include <time.h>

enum { WHOLE = 1 << 20, WRITES = 30, PIECE = 1 << 16, READS = 600, RANDOM = 4096 };

static void rest(long ns) {
  const struct timespec pause = {.tv_nsec = ns};
  CHECK_SYS(nanosleep(&pause, NULL));
}

static void empty(int fd) {
  static char bytes[PIECE];
  ssize_t count;
  while ((count = CHECK_SYS(read(fd, bytes, sizeof(bytes)))) > 0)
    rest(1000000);
}

static void fill_log(int unused) {
  (void)unused;
  char bytes[RANDOM];
  const int fd = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  for (int i = 0; i < READS; i++) {
    CHECK(read(fd, bytes, sizeof(bytes)) == sizeof(bytes));
    rest(500000);
  }
}

static void write_whole(int fd) {
  static char bytes[WHOLE];
  for (int i = 0; i < WRITES; i++)
    CHECK(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
}

/* Each in a process of its own: the end of a child would be a signal, and wake a traced parent from its call. */
static void start(void (*work)(int), int fd, int other) {
  if (CHECK_SYS(fork()) != 0)
    return;
  CHECK_SYS(close(other));
  work(fd);
  _exit(0);
}

int main(void) {
  int fds[2];
  CHECK_SYS(pipe(fds));
  start(empty, fds[0], fds[1]);
  start(write_whole, fds[1], fds[0]);
  CHECK_SYS(close(fds[1]));
  start(fill_log, -1, fds[0]);
  CHECK_SYS(close(fds[0]));
  for (int i = 0; i < 3; i++) {
    int status;
    CHECK_SYS(wait(&status));
    CHECK(status == 0);
  }
  printf("all whole\n");
  return 0;
}
