/* Waiters moved from one word to another while they sleep, and words changed by the kernel on waking. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum { WAITERS = 8 };

static volatile int first, second, op_word = 5;
static volatile int order[WAITERS], woken;

static long futex(volatile int *at, int operation, int value, long value2, volatile int *at2, int value3) {
  return raw_syscall(SYS_futex, (long)at, operation, value, value2, (long)at2, value3);
}

static void *waits(void *arg) {
  CHECK(futex(&first, FUTEX_WAIT_PRIVATE, 0, 0, NULL, 0) == 0);
  order[__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST)] = (int)(long)arg;
  return NULL;
}

int main(void) {
  pthread_t threads[WAITERS];
  for (long i = 0; i < WAITERS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, waits, (void *)i));
  int moved = 0, calls = 0;
  while (moved < WAITERS) {
    long result = futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 0, INT_MAX, &second, 0);
    CHECK(result >= 0);
    moved += result;
    calls++;
    sched_yield();
  }
  CHECK(moved == WAITERS && woken == 0);
  printf("moved by %d calls\n", calls);
  CHECK(futex(&first, FUTEX_WAKE_PRIVATE, INT_MAX, 0, NULL, 0) == 0);
  CHECK(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 0, INT_MAX, &second, 7) == -EAGAIN);

  CHECK(futex(&second, FUTEX_WAKE_PRIVATE, 2, 0, NULL, 0) == 2);
  while (woken < 2)
    sched_yield();
  /* Wakes one there, moves two back. */
  CHECK(futex(&second, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &first, 0) == 3);
  while (woken < 3)
    sched_yield();

  /* One syscall: op_word becomes 5 + 7; it was 5, so `second` is woken too. */
  long result = futex(&first, FUTEX_WAKE_OP_PRIVATE, 2, 1, &second, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0));
  CHECK(result == 3);
  result = futex(&second, FUTEX_WAKE_OP_PRIVATE, 1, 10, &op_word, FUTEX_OP(FUTEX_OP_ADD, 7, FUTEX_OP_CMP_GT, 100));
  CHECK(result == 1 && op_word == 12);
  result = futex(&second, FUTEX_WAKE_OP_PRIVATE, INT_MAX, 10, &op_word,
                 FUTEX_OP((FUTEX_OP_XOR | FUTEX_OP_OPARG_SHIFT), 1, FUTEX_OP_CMP_EQ, 12));
  CHECK(result == 1 && op_word == (12 ^ 2));
  for (int i = 0; i < WAITERS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(woken == WAITERS);
  for (int i = 0; i < WAITERS; i++)
    printf("%d ", order[i]);
  printf("is the order of waking\n");
  return done();
}
