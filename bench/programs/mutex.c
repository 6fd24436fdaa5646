/* Four threads take one mutex N times each, and do a little work with and without it. */
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long count;
static volatile unsigned long shared;

static unsigned long work(unsigned long seed) {
  for (int i = 0; i < 200; i++) seed = seed * 6364136223846793005ul + 1;
  return seed;
}

static void *run(void *argument) {
  unsigned long own = (unsigned long)argument;
  for (long i = 0; i < count; i++) {
    pthread_mutex_lock(&mutex);
    shared = work(shared + own);
    pthread_mutex_unlock(&mutex);
    own = work(own);
  }
  return (void *)own;
}

int main(int argc, char **argv) {
  pthread_t threads[4];
  count = argc > 1 ? atol(argv[1]) : 50000;
  for (long i = 0; i < 4; i++) {
    if (pthread_create(&threads[i], NULL, run, (void *)i) != 0) return 1;
  }
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return 0;
}
