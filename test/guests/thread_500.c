/* 500 threads alive at the same time, then gone. */
#include "guest_tasks.h"

enum { THREADS = 500 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static int here, arrival[THREADS];
static pid_t tids[THREADS];

static void *thread(void *arg) {
  int which = (int)(long)arg;
  tids[which] = gettid();
  pthread_mutex_lock(&lock);
  arrival[here++] = which;
  if (here == THREADS)
    pthread_cond_broadcast(&all_here);
  while (here < THREADS)
    pthread_cond_wait(&all_here, &lock);
  pthread_mutex_unlock(&lock);
  return arg;
}

int main(void) {
  static pthread_t threads[THREADS];
  pthread_attr_t attr;
  CHECK_ZERO(pthread_attr_init(&attr));
  CHECK_ZERO(pthread_attr_setstacksize(&attr, 64 << 10));
  for (long i = 0; i < THREADS; i++) {
    int error = pthread_create(&threads[i], &attr, thread, (void *)i);
    if (error == EAGAIN)
      skip("too few threads allowed");
    CHECK_ZERO(error);
  }
  for (long i = 0; i < THREADS; i++) {
    void *result;
    CHECK_ZERO(pthread_join(threads[i], &result));
    CHECK((long)result == i);
  }
  CHECK(here == THREADS);
  char seen[THREADS] = {0};
  for (int i = 0; i < THREADS; i++) {
    CHECK(!seen[arrival[i]]);
    seen[arrival[i]] = 1;
  }
  mix(arrival, sizeof(arrival));
  mix(tids, sizeof(tids));
  printf("first %d, last %d, tids %d to %d\n", arrival[0], arrival[THREADS - 1], tids[0], tids[THREADS - 1]);
  return done();
}
