/* A robust list made by hand: the kernel walks it when the task ends, and marks the words it finds there. */
#include "guest_tasks.h"

#include <linux/futex.h>
#include <stddef.h>

enum { STACK = 64 << 10 };

struct lock {
  struct robust_list list;
  volatile unsigned word;
};

static struct robust_list_head head;
static struct lock locks[4];
static volatile pid_t owner;

static int thread(void *arg) {
  (void)arg;
  owner = raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
  for (int i = 0; i < 3; i++) {
    locks[i].word = owner | (i == 1 ? FUTEX_WAITERS : 0);
    locks[i].list.next = i < 2 ? &locks[i + 1].list : &head.list;
  }
  /* Being taken, not yet on the list. */
  locks[3].word = owner;
  head.list.next = &locks[0].list;
  head.futex_offset = offsetof(struct lock, word) - offsetof(struct lock, list);
  head.list_op_pending = &locks[3].list;
  if (raw_syscall(SYS_set_robust_list, (long)&head, sizeof(head), 0, 0, 0, 0) != 0)
    return 1;
  return 0;
}

int main(void) {
  static char stack[STACK] __attribute__((aligned(16)));
  static volatile int cleared;
  for (int round = 0; round < 3; round++) {
    memset(locks, 0, sizeof(locks));
    cleared = 1;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
    CHECK_SYS(clone(thread, stack + STACK, flags, NULL, NULL, NULL, &cleared));
    /* The list is walked before the word is cleared. */
    while (cleared != 0)
      raw_syscall(SYS_futex, (long)&cleared, FUTEX_WAIT, 1, 0, 0, 0);
    for (int i = 0; i < 4; i++) {
      printf("%x ", locks[i].word);
      CHECK(locks[i].word & FUTEX_OWNER_DIED);
      CHECK((locks[i].word & FUTEX_TID_MASK) == 0);
    }
    CHECK(locks[1].word & FUTEX_WAITERS);
    printf("after %d\n", owner);
  }
  /* The calling thread's own is libc's still. */
  struct robust_list_head *own;
  size_t size;
  CHECK_SYS(syscall(SYS_get_robust_list, 0, &own, &size));
  CHECK(own != &head && size == sizeof(head));
  CHECK_ERRNO(syscall(SYS_get_robust_list, 0x3fffffff, &own, &size), ESRCH);
  return done();
}
