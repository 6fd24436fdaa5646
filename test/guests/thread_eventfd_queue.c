/* Producers and consumers over one queue, counted by an eventfd semaphore. */
#include "guest_tasks.h"

#include <sys/eventfd.h>

enum { PRODUCERS = 3, CONSUMERS = 4, ITEMS = 200, TOTAL = PRODUCERS * ITEMS, SLOTS = 16 };

static int items, spaces;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int queue[SLOTS], head, tail;
static int taken_by[TOTAL], order[TOTAL], taken;

static void add(int fd) {
  uint64_t one = 1;
  CHECK(write(fd, &one, 8) == 8);
}

static void take(int fd) {
  uint64_t one;
  CHECK(TEMP_FAILURE_RETRY(read(fd, &one, 8)) == 8 && one == 1);
}

static void *producer(void *arg) {
  for (int i = 0; i < ITEMS; i++) {
    take(spaces);
    pthread_mutex_lock(&lock);
    queue[head++ % SLOTS] = (int)(long)arg * ITEMS + i;
    pthread_mutex_unlock(&lock);
    add(items);
  }
  return NULL;
}

static void *consumer(void *arg) {
  for (;;) {
    take(items);
    pthread_mutex_lock(&lock);
    if (tail == head) {
      pthread_mutex_unlock(&lock);
      return NULL;
    }
    int item = queue[tail++ % SLOTS];
    CHECK(taken_by[item] == 0);
    taken_by[item] = (int)(long)arg + 1;
    order[taken++] = item;
    pthread_mutex_unlock(&lock);
    add(spaces);
  }
}

int main(void) {
  pthread_t producers[PRODUCERS], consumers[CONSUMERS];
  items = CHECK_SYS(eventfd(0, EFD_SEMAPHORE));
  spaces = CHECK_SYS(eventfd(SLOTS, EFD_SEMAPHORE));
  for (long i = 0; i < CONSUMERS; i++)
    CHECK_ZERO(pthread_create(&consumers[i], NULL, consumer, (void *)i));
  for (long i = 0; i < PRODUCERS; i++)
    CHECK_ZERO(pthread_create(&producers[i], NULL, producer, (void *)i));
  for (int i = 0; i < PRODUCERS; i++)
    CHECK_ZERO(pthread_join(producers[i], NULL));
  /* A wake-up with nothing in the queue ends a consumer. */
  for (int i = 0; i < CONSUMERS; i++)
    add(items);
  for (int i = 0; i < CONSUMERS; i++)
    CHECK_ZERO(pthread_join(consumers[i], NULL));
  CHECK(taken == TOTAL);
  int share[CONSUMERS] = {0};
  for (int i = 0; i < TOTAL; i++)
    share[taken_by[i] - 1]++;
  mix(order, sizeof(order));
  mix(taken_by, sizeof(taken_by));
  printf("shares %d %d %d %d\n", share[0], share[1], share[2], share[3]);
  return done();
}
