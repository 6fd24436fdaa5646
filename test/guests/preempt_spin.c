/* Threads that wait for each other in user code: on a flag, with and without pause, and at a barrier of atomics. */
#include "guest_tasks.h"

enum { THREADS = 3, ROUNDS = 8 };

static volatile int flag, answer;
static volatile uint64_t work;
static uint32_t arrived, generation;

static void *wait_for_flag(void *arg) {
  (void)arg;
  while (!flag)
    ;
  answer = 1;
  return NULL;
}

static void *wait_with_pause(void *arg) {
  uint64_t *spins = arg;
  while (!flag) {
    __builtin_ia32_pause();
    (*spins)++;
  }
  return NULL;
}

static void barrier(void) {
  uint32_t mine = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == THREADS) {
    __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);
    __atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
    return;
  }
  while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == mine)
    __builtin_ia32_pause();
}

static void *meet(void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++)
    barrier();
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  CHECK_ZERO(pthread_create(&threads[0], NULL, wait_for_flag, NULL));
  for (uint64_t i = 0; i < 5000000; i++)
    work += i;
  flag = 1;
  while (!answer)
    ;
  CHECK_ZERO(pthread_join(threads[0], NULL));

  flag = 0;
  uint64_t spins[2] = {0};
  for (int i = 0; i < 2; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, wait_with_pause, &spins[i]));
  for (uint64_t i = 0; i < 20000000; i++)
    work += i;
  flag = 1;
  for (int i = 0; i < 2; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  printf("spun %llu and %llu times\n", (unsigned long long)spins[0], (unsigned long long)spins[1]);

  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, meet, NULL));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(generation == ROUNDS);
  return done();
}
