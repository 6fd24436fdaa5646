/* Priority-inheriting mutexes, whose contended paths are in the kernel: FUTEX_LOCK_PI with owner tids in the word. */
#include "guest_tasks.h"

enum { THREADS = 8, ROUNDS = 60 };

static pthread_mutex_t lock, robust;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static int woken, waiting, contended_words;

static void *counts(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_ZERO(pthread_mutex_lock(&lock));
    unsigned word = *(volatile unsigned *)&lock;
    CHECK((word & 0x3fffffff) == (unsigned)gettid());
    contended_words += (word & 0x80000000) != 0;
    long seen = counter;
    sched_yield();
    counter = seen + 1;
    CHECK_ZERO(pthread_mutex_unlock(&lock));
  }
  return arg;
}

static void *waits(void *arg) {
  CHECK_ZERO(pthread_mutex_lock(&lock));
  waiting++;
  CHECK_ZERO(pthread_cond_wait(&cond, &lock));
  woken++;
  CHECK_ZERO(pthread_mutex_unlock(&lock));
  return arg;
}

static void *dies_holding(void *arg) {
  CHECK_ZERO(pthread_mutex_lock(&robust));
  return arg;
}

static void *is_refused(void *arg) {
  struct timespec soon;
  CHECK(pthread_mutex_trylock(&lock) == EBUSY);
  CHECK_SYS(clock_gettime(CLOCK_REALTIME, &soon));
  soon.tv_sec += (soon.tv_nsec + 3000000) / 1000000000;
  soon.tv_nsec = (soon.tv_nsec + 3000000) % 1000000000;
  CHECK(pthread_mutex_timedlock(&lock, &soon) == ETIMEDOUT);
  return arg;
}

int main(void) {
  pthread_t threads[THREADS];
  pthread_mutexattr_t attr;
  CHECK_ZERO(pthread_mutexattr_init(&attr));
  CHECK_ZERO(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
  CHECK_ZERO(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
  CHECK_ZERO(pthread_mutex_init(&lock, &attr));
  CHECK_ZERO(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_NORMAL));
  CHECK_ZERO(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
  CHECK_ZERO(pthread_mutex_init(&robust, &attr));

  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, counts, NULL));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(counter == THREADS * ROUNDS);
  printf("%d of %ld acquisitions had others waiting\n", contended_words, counter);

  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, waits, NULL));
  for (int here = 0; here < THREADS;) {
    CHECK_ZERO(pthread_mutex_lock(&lock));
    here = waiting;
    CHECK_ZERO(pthread_mutex_unlock(&lock));
    sched_yield();
  }
  CHECK_ZERO(pthread_cond_broadcast(&cond));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(woken == THREADS);

  CHECK_ZERO(pthread_mutex_lock(&lock));
  CHECK(pthread_mutex_lock(&lock) == EDEADLK);
  CHECK_ZERO(pthread_create(&threads[0], NULL, is_refused, NULL));
  CHECK_ZERO(pthread_join(threads[0], NULL));
  CHECK_ZERO(pthread_mutex_unlock(&lock));
  CHECK(pthread_mutex_unlock(&lock) == EPERM);

  CHECK_ZERO(pthread_create(&threads[0], NULL, dies_holding, NULL));
  CHECK_ZERO(pthread_join(threads[0], NULL));
  CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
  printf("robust word %#x\n", *(unsigned *)&robust);
  CHECK_ZERO(pthread_mutex_consistent(&robust));
  CHECK_ZERO(pthread_mutex_unlock(&robust));
  CHECK_ZERO(pthread_mutex_lock(&robust));
  CHECK_ZERO(pthread_mutex_unlock(&robust));
  return done();
}
