/* A read that meets a hole in its buffer is the last call of its process but its exit. */
#include "guest_tasks.h"

#define SMALL 10

int main(void) {
  const long page = sysconf(_SC_PAGESIZE);
  char *const memory = CHECK_SYS(mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(munmap(memory + page, page));
  int ends[2];
  CHECK_SYS(pipe(ends));
  for (int i = 0; i < 10; i++) {
    CHECK(write(ends[1], memory, SMALL) == SMALL);
    CHECK(write(ends[1], memory, page) == page);
    CHECK(write(ends[1], memory, page) == page);
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      long got = 0;
      for (int calls = 0; calls < SMALL; calls++)
        got = raw_syscall(SYS_read, ends[0], (long)memory, 1, 0, 0, 0);
      got = raw_syscall(SYS_read, ends[0], (long)memory, 2 * page, 0, 0, 0);
      raw_syscall(SYS_exit_group, got == page ? 0 : 1, 0, 0, 0, 0, 0);
    }
    wait_ok(pid);
    char rest[4096];
    CHECK(read(ends[0], rest, sizeof rest) == page);
  }
  return done();
}
