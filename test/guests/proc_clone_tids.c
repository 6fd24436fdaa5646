/* The thread ids that the kernel writes by itself: CLONE_PARENT_SETTID, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum { STACK = 64 << 10, THREADS = 8 };

static volatile pid_t parent_word, child_word, cleared_word, seen_by_child;

static pid_t clone_fork(unsigned long flags) {
  return CHECK_SYS(raw_syscall(SYS_clone, flags | SIGCHLD, 0, (long)&parent_word, (long)&child_word, 0, 0));
}

static volatile int seen_own;

static int thread(void *arg) {
  (void)arg;
  seen_by_child = cleared_word;
  seen_own = parent_word == raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
  return 0;
}

/* Sleeps until the kernel has zeroed the word and woken us, as pthread_join does. */
static void wait_cleared(void) {
  pid_t value;
  while ((value = cleared_word) != 0)
    raw_syscall(SYS_futex, (long)&cleared_word, FUTEX_WAIT, value, 0, 0, 0);
}

int main(void) {
  parent_word = child_word = -1;
  pid_t pid = clone_fork(CLONE_PARENT_SETTID);
  /* Written in the parent's memory only, after it was copied. */
  if (pid == 0)
    _exit(parent_word == -1 && child_word == -1 ? 0 : 1);
  CHECK(parent_word == pid && child_word == -1);
  wait_exit(pid, 0);

  /* Written in the child's copy of the memory only. */
  parent_word = child_word = -1;
  pid = clone_fork(CLONE_CHILD_SETTID);
  if (pid == 0)
    _exit(child_word == getpid() && parent_word == -1 ? 0 : 1);
  CHECK(parent_word == -1 && child_word == -1);
  wait_exit(pid, 0);
  printf("children by word %d\n", pid);

  static char stack[STACK] __attribute__((aligned(16)));
  for (int i = 0; i < THREADS; i++) {
    parent_word = seen_by_child = -1;
    cleared_word = 77;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
                CLONE_CHILD_CLEARTID;
    /* With CLONE_CHILD_SETTID one word is both set and cleared. */
    if (i % 2)
      flags |= CLONE_CHILD_SETTID;
    pid_t tid = CHECK_SYS(clone(thread, stack + STACK, flags, NULL, &parent_word, NULL, &cleared_word));
    CHECK(parent_word == tid);
    wait_cleared();
    printf("thread %d saw %d\n", tid, seen_by_child);
    CHECK(seen_own && seen_by_child == (i % 2 ? tid : 77));
  }
  return done();
}
