/* A plain counter that four threads read, yield and write: its final value is the schedule's fingerprint. */
#include "guest_tasks.h"

enum { THREADS = 4, ROUNDS = 2000 };

static volatile long counter;
static volatile unsigned char trace[THREADS * ROUNDS];
static volatile long traced;

static void *racer(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    long seen = counter;
    if (i % 3 == 0)
      sched_yield();
    counter = seen + 1;
    long at = traced++;
    if (at < THREADS * ROUNDS)
      trace[at] = (unsigned char)(long)arg;
    if (i % 16 == 0)
      getppid();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, racer, (void *)(i + 1)));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(counter > 0 && counter <= THREADS * ROUNDS);
  mix((const void *)trace, sizeof(trace));
  printf("counter %ld of %d, %ld traced\n", counter, THREADS * ROUNDS, traced);
  return done();
}
