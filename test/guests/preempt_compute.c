/* Threads that compute without a system call and race for a counter: how often each got its turn shows in the sum. */
#include "guest_tasks.h"

enum { THREADS = 4, STEPS = 12000000 };

static volatile uint64_t lost;
static uint64_t kept, finished[THREADS];

__attribute__((noinline, optimize("O3"))) static uint64_t fast(uint64_t steps) {
  uint64_t x = 88172645463325252u;
  for (uint64_t i = 0; i < steps; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

__attribute__((noinline)) static uint64_t deep(unsigned n) { return n < 2 ? n : deep(n - 1) + deep(n - 2); }

static void *compute(void *arg) {
  uint64_t mine = (uint64_t)(uintptr_t)arg;
  for (uint64_t i = 0; i < STEPS; i++)
    lost += 1;
  finished[mine] = lost;
  uint64_t sum = fast(4 * STEPS) + deep(27 + (unsigned)mine);
  __atomic_add_fetch(&kept, sum, __ATOMIC_RELAXED);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, compute, (void *)i));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(lost > 0 && lost <= (uint64_t)THREADS * STEPS);
  MIX(kept);
  printf("lost %llu\n", (unsigned long long)((uint64_t)THREADS * STEPS - lost));
  MIX(finished);
  return done();
}
