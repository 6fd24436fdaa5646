/*
 * Eight threads that make no call from their first instruction to their last,
 * and see each other's memory: who ran for how long between which two others
 * shows in all sums. PREEMPT_SECONDS has them compute for about so long, one
 * after the other.
 */
#include "guest_tasks.h"

enum { THREADS = 8 };

static volatile uint64_t steps = 3000000;
static uint64_t shared[THREADS], sums[THREADS];
static volatile uint64_t racy;

/* Rounds that differ in registers, in a table, and in one word alone. */
static void *compute(void *arg) {
  const uintptr_t self = (uintptr_t)arg;
  const uint64_t limit = steps;
  uint64_t sum = self + 1;
  for (uint64_t i = 0; i < limit; i++)
    sum = sum * 6364136223846793005u + 1442695040888963407u;
  for (uint64_t i = 0; i < limit; i++)
    shared[self] += sum ^ shared[(self + i) % THREADS];
  for (uint64_t i = racy + limit; racy < i;)
    racy++;
  sums[self] = sum + racy;
  return NULL;
}

int main(void) {
  const char *seconds = getenv("PREEMPT_SECONDS");
  /* A step of each of the three loops takes some 4 ns. */
  if (seconds != NULL)
    steps = strtoull(seconds, NULL, 10) * 1000000000 / (4 * THREADS);
  pthread_t threads[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, compute, (void *)i) == 0);
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  MIX(shared);
  MIX(sums);
  return done();
}
