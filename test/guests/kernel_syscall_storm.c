/* 200 000 syscalls in a row by one thread. */
#include "guest_tasks.h"

enum { CALLS = 200000 };

int main(void) {
  pid_t parent = getppid();
  int64_t start = now_us(), slowest = 0, last = start;
  unsigned long sum = 0;
  for (int i = 0; i < CALLS; i++) {
    sum += raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
    if (i % 1000 == 0) {
      int64_t now = now_us();
      if (now - last > slowest)
        slowest = now - last;
      last = now;
    }
  }
  CHECK(sum == (unsigned long)parent * CALLS);
  printf("%ld us, slowest thousand %ld us\n", (long)(now_us() - start), (long)slowest);
  return done();
}
