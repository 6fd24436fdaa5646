/* One thread sleeps in read(2) with a buffer that another keeps writing: the kernel's bytes land when they arrive. */
#include "guest_tasks.h"

#include <sys/socket.h>
#include <sys/uio.h>

enum { SIZE = 8192, ROUNDS = 12 };

static char buffer[SIZE];
static struct gate reading, written;
static int fds[2];
static ssize_t got[ROUNDS];

static void *reader(void *arg) {
  for (int round = 0; round < ROUNDS; round++) {
    gate_open(reading);
    if (round % 3 == 2) {
      struct iovec parts[] = {{buffer, 100}, {buffer + 50, 100}, {buffer + 4000, 4000}};
      got[round] = CHECK_SYS(readv(fds[0], parts, 3));
    } else if (round % 3 == 1) {
      got[round] = CHECK_SYS(recv(fds[0], buffer, SIZE, 0));
    } else {
      got[round] = CHECK_SYS(read(fds[0], buffer, SIZE));
    }
    /* Another thread's bytes from before the data came must be gone, those beyond it must be there. */
    int untouched = round % 3 == 2 ? 150 : got[round];
    if (round % 3 != 2)
      CHECK(buffer[0] == 'a' + round && buffer[got[round] - 1] == 'a' + round);
    CHECK(buffer[untouched] == (char)(0x80 + round));
    mix(buffer, sizeof(buffer));
    gate_wait(written);
  }
  return arg;
}

int main(void) {
  pthread_t thread;
  reading = gate_make();
  written = gate_make();
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  CHECK_ZERO(pthread_create(&thread, NULL, reader, NULL));
  for (int round = 0; round < ROUNDS; round++) {
    char data[200];
    gate_wait(reading);
    for (int i = 0; i < 5; i++) {
      memset(buffer, 0x80 + round, SIZE);
      sched_yield();
    }
    nap_us(500);
    memset(data, 'a' + round, sizeof(data));
    memset(buffer, 0x80 + round, SIZE);
    CHECK(write(fds[1], data, 50 + round) == 50 + round);
    gate_open(written);
  }
  CHECK_ZERO(pthread_join(thread, NULL));
  for (int round = 0; round < ROUNDS; round++)
    CHECK(got[round] == 50 + round);
  return done();
}
