/* Thread-local storage: initial values, alignment, addresses, keys and the rounds of their destructors. */
#include "guest_tasks.h"

enum { THREADS = 16 };

static __thread int counter = 42;
static __thread char text[128] = "initial";
static __thread long aligned __attribute__((aligned(256)));
static __thread char zeroed[5000];

static pthread_key_t key, chained_key;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int destroyed, chained, order[THREADS];

static void destroy(void *value) {
  pthread_mutex_lock(&lock);
  order[destroyed++] = (int)(long)value;
  pthread_mutex_unlock(&lock);
  CHECK_ZERO(pthread_setspecific(chained_key, value));
}

/* Set again by itself twice: destructors run in rounds until nothing is left. */
static void destroy_chained(void *value) {
  static __thread int round;
  pthread_mutex_lock(&lock);
  chained++;
  pthread_mutex_unlock(&lock);
  if (++round < 3)
    CHECK_ZERO(pthread_setspecific(chained_key, value));
}

struct report {
  void *counter, *aligned;
  long self;
  int errno_value;
};

static void *thread(void *arg) {
  struct report *report = arg;
  CHECK(counter == 42 && strcmp(text, "initial") == 0 && aligned == 0 && zeroed[4999] == 0);
  CHECK(((uintptr_t)&aligned & 255) == 0);
  counter = gettid();
  snprintf(text, sizeof(text), "thread %d", gettid());
  memset(zeroed, counter, sizeof(zeroed));
  CHECK_ZERO(pthread_setspecific(key, (void *)(long)gettid()));
  CHECK_ERRNO(close(-1), EBADF);
  for (int i = 0; i < 10; i++) {
    char expected[32];
    sched_yield();
    snprintf(expected, sizeof(expected), "thread %d", gettid());
    CHECK(counter == gettid() && strcmp(text, expected) == 0 && errno == EBADF);
    CHECK((long)pthread_getspecific(key) == gettid());
  }
  *report = (struct report){&counter, &aligned, (long)pthread_self(), errno};
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  static struct report reports[THREADS];
  CHECK_ZERO(pthread_key_create(&key, destroy));
  CHECK_ZERO(pthread_key_create(&chained_key, destroy_chained));
  counter = 1;
  strcpy(text, "main's");
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, &reports[i]));
  for (int i = 0; i < THREADS; i++) {
    CHECK_ZERO(pthread_join(threads[i], NULL));
  }
  for (int i = 0; i < THREADS; i++)
    printf("destroyed %d, variables at %p\n", order[i], reports[i].counter);
  CHECK(destroyed == THREADS && chained == 3 * THREADS);
  CHECK(counter == 1 && strcmp(text, "main's") == 0);
  mix(reports, sizeof(reports));
  mix(order, sizeof(order));
  CHECK_ZERO(pthread_key_delete(key));
  return done();
}
