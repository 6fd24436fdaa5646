/* A write that a signal interrupts half-way returns what it has written, a read what it has read. */
#include "guest_tasks.h"

#include <sys/time.h>

enum { SIZE = 1 << 20 };

static volatile sig_atomic_t handled;

static void on_signal(int signal) {
  (void)signal;
  handled++;
}

int main(void) {
  int data[2];
  CHECK_SYS(pipe(data));
  /* Even with SA_RESTART: what has been transferred counts. */
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  pid_t parent = getpid(), pid = CHECK_SYS(fork());
  if (pid == 0) {
    static unsigned char bytes[SIZE];
    size_t total = 0;
    close(data[1]);
    for (int i = 0; total < SIZE; i++) {
      ssize_t size = CHECK_SYS(read(data[0], bytes + total, i % 4 == 0 ? 40000 : 9000));
      if (size == 0)
        break;
      total += size;
      if (i % 4 == 1) {
        wait_blocked(parent);
        CHECK_SYS(kill(parent, SIGUSR1));
        nap_us(500);
      }
    }
    CHECK(total == SIZE);
    for (size_t i = 0; i < SIZE; i++)
      CHECK(bytes[i] == (unsigned char)(i * 131 >> 3));
    _exit(0);
  }
  close(data[0]);
  static unsigned char bytes[SIZE];
  for (size_t i = 0; i < SIZE; i++)
    bytes[i] = (unsigned char)(i * 131 >> 3);
  size_t total = 0;
  int writes = 0;
  while (total < SIZE) {
    ssize_t size = CHECK_SYS(write(data[1], bytes + total, SIZE - total));
    CHECK(size > 0);
    MIX(size);
    total += size;
    writes++;
  }
  int status;
  CHECK(TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid && status == 0);
  printf("%d writes, %d signals\n", writes, (int)handled);
  CHECK(writes > 1 && handled > 0);
  return done();
}
