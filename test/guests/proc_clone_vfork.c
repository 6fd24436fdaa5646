/* CLONE_VFORK alone: memory is copied, but the parent still waits until its child has ended or executed. */
#include "guest_tasks.h"

enum { STACK = 64 << 10 };

static int fds[2];
static volatile int in_parent_memory;

static int late_writer(void *arg) {
  in_parent_memory = 1;
  nap_us(5000);
  return write(fds[1], arg, 1) == 1 ? 11 : 12;
}

static int executes(void *arg) {
  char *argv[] = {"sh", "-c", "exit 13", NULL};
  (void)arg;
  in_parent_memory = 2;
  execv("/bin/sh", argv);
  return 14;
}

static void expect_byte(char byte) {
  char got = 0;
  CHECK(read(fds[0], &got, 1) == 1 && got == byte);
}

int main(void) {
  static char stack[STACK] __attribute__((aligned(16)));
  CHECK_SYS(pipe2(fds, O_NONBLOCK));
  int64_t start = now_us();
  pid_t pid = CHECK_SYS(clone(late_writer, stack + STACK, CLONE_VFORK | SIGCHLD, "a"));
  /* The parent runs again only now, so the byte is there and the nap is over. */
  expect_byte('a');
  CHECK(now_us() - start >= 5000);
  CHECK(in_parent_memory == 0);
  wait_exit(pid, 11);

  pid = CHECK_SYS(clone(late_writer, stack + STACK, CLONE_VFORK | CLONE_VM | SIGCHLD, "b"));
  expect_byte('b');
  CHECK(in_parent_memory == 1);
  wait_exit(pid, 11);

  pid = CHECK_SYS(clone(executes, stack + STACK, CLONE_VFORK | CLONE_VM | SIGCHLD, NULL));
  CHECK(in_parent_memory == 2);
  wait_exit(pid, 13);
  printf("last child %d, %ld us\n", pid, (long)(now_us() - start));
  return done();
}
