/* SIGKILL to a process in the midst of thousands of short calls, once or several times over: what it has written has come. */
#include "guest_tasks.h"

#define ROUNDS 12
#define NAP_US 8000

int main(void) {
  unsigned seed = (unsigned)now_us();
  long total = 0;
  for (int round = 0; round < ROUNDS; round++) {
    int ends[2];
    CHECK_SYS(pipe(ends));
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      for (;;)
        CHECK(write(ends[1], "x", 1) == 1);
    }
    close(ends[1]);
    nap_us(rand_r(&seed) % NAP_US);
    for (int times = 1 + round % 3; times > 0; times--)
      CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
    char bytes[4096];
    for (long got; (got = CHECK_SYS(read(ends[0], bytes, sizeof bytes))) > 0;)
      total += got;
    close(ends[0]);
  }
  printf("%ld bytes have come\n", total);
  return done();
}
