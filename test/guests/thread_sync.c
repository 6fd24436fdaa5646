/* 64 threads over a mutex, a condition, a barrier, a rwlock and a semaphore; the order they get through is shown. */
#include "guest_tasks.h"

#include <semaphore.h>

enum { THREADS = 64, ROUNDS = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t slots;

static long counter, written, written_twin, in_slots, most_in_slots;
static int turn, serial, order[THREADS * ROUNDS], ordered;

static void *thread(void *arg) {
  int which = (int)(long)arg;
  for (int round = 0; round < ROUNDS; round++) {
    pthread_mutex_lock(&lock);
    long seen = counter;
    sched_yield();
    counter = seen + 1;
    order[ordered++] = which;
    pthread_mutex_unlock(&lock);

    pthread_rwlock_rdlock(&rwlock);
    CHECK(written == written_twin);
    pthread_rwlock_unlock(&rwlock);
    if (which % 8 == round % 8) {
      pthread_rwlock_wrlock(&rwlock);
      written++;
      sched_yield();
      written_twin++;
      pthread_rwlock_unlock(&rwlock);
    }

    CHECK_SYS(TEMP_FAILURE_RETRY(sem_wait(&slots)));
    long now = __atomic_add_fetch(&in_slots, 1, __ATOMIC_SEQ_CST);
    CHECK(now <= 3);
    pthread_mutex_lock(&lock);
    if (now > most_in_slots)
      most_in_slots = now;
    pthread_mutex_unlock(&lock);
    __atomic_sub_fetch(&in_slots, 1, __ATOMIC_SEQ_CST);
    CHECK_SYS(sem_post(&slots));
  }
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
    serial = which;

  /* One after the other, by number. */
  pthread_mutex_lock(&lock);
  while (turn != which)
    pthread_cond_wait(&changed, &lock);
  turn++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  CHECK_SYS(sem_init(&slots, 0, 3));
  CHECK_ZERO(pthread_barrier_init(&barrier, NULL, THREADS));
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, (void *)i));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(counter == THREADS * ROUNDS && turn == THREADS && written == written_twin && written > 0);
  mix(order, sizeof(order));
  printf("serial thread %d, %ld in the slots at most, last through the lock %d %d %d\n", serial, most_in_slots,
         order[ordered - 1], order[ordered - 2], order[ordered - 3]);

  struct timespec soon;
  CHECK_SYS(clock_gettime(CLOCK_REALTIME, &soon));
  soon.tv_nsec += 2000000;
  if (soon.tv_nsec >= 1000000000) {
    soon.tv_nsec -= 1000000000;
    soon.tv_sec++;
  }
  pthread_mutex_lock(&lock);
  CHECK(pthread_cond_timedwait(&changed, &lock, &soon) == ETIMEDOUT);
  CHECK(pthread_mutex_trylock(&lock) == EBUSY);
  CHECK(pthread_mutex_timedlock(&lock, &soon) == ETIMEDOUT);
  pthread_mutex_unlock(&lock);
  pthread_rwlock_wrlock(&rwlock);
  CHECK(pthread_rwlock_tryrdlock(&rwlock) == EBUSY);
  pthread_rwlock_unlock(&rwlock);
  for (int i = 0; i < 3; i++)
    CHECK_SYS(sem_trywait(&slots));
  CHECK_ERRNO(sem_trywait(&slots), EAGAIN);
  CHECK_ERRNO(sem_timedwait(&slots, &soon), ETIMEDOUT);
  CHECK_SYS(sem_destroy(&slots));
  CHECK_ZERO(pthread_barrier_destroy(&barrier));
  return done();
}
