/* Exit statuses 0 to 255 and what is left of larger ones, by exit, _exit, return and the exit syscall. */
#include "guest_tasks.h"

static void leave(int code) {
  switch (code % 4) {
  case 0:
    exit(code);
  case 1:
    _exit(code);
  case 2:
    raw_syscall(SYS_exit, code, 0, 0, 0, 0, 0);
  }
  raw_syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

static void expect(int code, int expected) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    leave(code);
  MIX(pid);
  wait_exit(pid, expected);
}

int main(void) {
  for (int code = 0; code < 256; code++)
    expect(code, code);
  expect(256, 0);
  expect(511, 255);
  expect(-1, 255);
  expect(-2, 254);
  expect(0x7fffff42, 0x42);
  return done();
}
