/* set_tid_address: returns the tid, and chooses the word that the kernel zeroes and wakes when the task ends. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum { STACK = 64 << 10 };

static volatile int word, returned;

static int thread(void *arg) {
  (void)arg;
  returned = raw_syscall(SYS_set_tid_address, (long)&word, 0, 0, 0, 0, 0);
  return 0;
}

int main(void) {
  void *libc_word = NULL;
  int have = prctl(PR_GET_TID_ADDRESS, &libc_word);
  printf("libc's word: %s %p\n", have == 0 ? "at" : "unknown", libc_word);
  int other = 7;
  CHECK(raw_syscall(SYS_set_tid_address, (long)&other, 0, 0, 0, 0, 0) == gettid());
  CHECK(other == 7);
  if (have == 0) {
    void *now = NULL;
    CHECK_SYS(prctl(PR_GET_TID_ADDRESS, &now));
    CHECK(now == &other);
    CHECK(raw_syscall(SYS_set_tid_address, (long)libc_word, 0, 0, 0, 0, 0) == gettid());
  }
  static char stack[STACK] __attribute__((aligned(16)));
  for (int i = 0; i < 6; i++) {
    word = 55;
    pid_t tid = CHECK_SYS(clone(
        thread, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL));
    while (word != 0)
      raw_syscall(SYS_futex, (long)&word, FUTEX_WAIT, 55, 0, 0, 0);
    CHECK(returned == tid);
    printf("thread %d cleared its word\n", tid);
  }
  /* A process that shares its memory writes too. */
  word = 55;
  pid_t pid = CHECK_SYS(clone(thread, stack + STACK, CLONE_VM | SIGCHLD, NULL));
  wait_exit(pid, 0);
  CHECK(word == 0 && returned == pid);
  return done();
}
