/* A lock-free queue between a producer and a consumer that spin when it is full or empty. */
#include "guest_tasks.h"

enum { SLOTS = 64, ITEMS = 20000 };

static uint64_t slots[SLOTS];
static uint64_t head, tail, full, empty;

static void *produce(void *arg) {
  (void)arg;
  for (uint64_t i = 0; i < ITEMS; i++) {
    while (i - __atomic_load_n(&tail, __ATOMIC_ACQUIRE) == SLOTS)
      full++;
    slots[i % SLOTS] = i * i;
    __atomic_store_n(&head, i + 1, __ATOMIC_RELEASE);
  }
  return NULL;
}

int main(void) {
  pthread_t producer;
  CHECK_ZERO(pthread_create(&producer, NULL, produce, NULL));
  uint64_t sum = 0;
  for (uint64_t i = 0; i < ITEMS / 200; i++) {
    while (__atomic_load_n(&head, __ATOMIC_ACQUIRE) == i)
      empty++;
    sum += slots[i % SLOTS];
    __atomic_store_n(&tail, i + 1, __ATOMIC_RELEASE);
  }
  /* The rest at once, so that the test stays short: each full queue costs a slice. */
  __atomic_store_n(&tail, ITEMS, __ATOMIC_RELEASE);
  CHECK_ZERO(pthread_join(producer, NULL));
  MIX(sum);
  MIX(empty);
  MIX(full);
  return done();
}
