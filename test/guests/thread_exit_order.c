/* Threads that end in every order: before, after and while they are joined, some by ending their own creator's wait. */
#include "guest_tasks.h"

enum { THREADS = 12 };

static struct gate gates[THREADS];
static pthread_t threads[THREADS];
static int ended[2];

static void *waits(void *arg) {
  char which = (char)(long)arg;
  gate_wait(gates[(int)which]);
  CHECK(write(ended[1], &which, 1) == 1);
  return arg;
}

static void run(const int *order) {
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, waits, (void *)i));
  for (int i = 0; i < THREADS; i++) {
    gate_open(gates[order[i]]);
    char which;
    CHECK(read(ended[0], &which, 1) == 1 && which == order[i]);
  }
  for (long i = 0; i < THREADS; i++) {
    void *result;
    CHECK_ZERO(pthread_join(threads[i], &result));
    CHECK((long)result == i);
  }
}

/* Each thread joins the one before it. */
static void *joins_previous(void *arg) {
  long which = (long)arg;
  void *result = NULL;
  if (which > 0)
    CHECK_ZERO(pthread_join(threads[which - 1], &result));
  return (char *)result + which;
}

int main(void) {
  int order[THREADS];
  CHECK_SYS(pipe(ended));
  for (int i = 0; i < THREADS; i++)
    gates[i] = gate_make();
  for (int i = 0; i < THREADS; i++)
    order[i] = i;
  run(order);
  for (int i = 0; i < THREADS; i++)
    order[i] = THREADS - 1 - i;
  run(order);
  for (int i = 0; i < THREADS; i++)
    order[i] = i * 5 % THREADS;
  run(order);

  /* All at the same time, in an order of their own. */
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, waits, (void *)i));
  for (int i = 0; i < THREADS; i++)
    gate_open(gates[i]);
  char seen[THREADS];
  for (int i = 0; i < THREADS; i++) {
    CHECK(read(ended[0], &seen[i], 1) == 1);
    printf("%d ", seen[i]);
  }
  printf("\n");
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));

  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, joins_previous, (void *)i));
  void *sum;
  CHECK_ZERO(pthread_join(threads[THREADS - 1], &sum));
  CHECK((long)sum == THREADS * (THREADS - 1) / 2);

  pthread_t slow;
  CHECK_ZERO(pthread_create(&slow, NULL, waits, (void *)0L));
  CHECK(pthread_tryjoin_np(slow, NULL) == EBUSY);
  gate_open(gates[0]);
  CHECK(read(ended[0], seen, 1) == 1);
  while (pthread_tryjoin_np(slow, NULL) == EBUSY)
    sched_yield();
  return done();
}
