/* Detached threads, created so or detached later, that nobody joins; their stacks are used again. */
#include "guest_tasks.h"

enum { THREADS = 60 };

static struct gate left;
static void *stacks[THREADS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int finished;

static void *thread(void *arg) {
  int local = 0;
  stacks[(long)arg] = &local;
  if ((long)arg % 3 == 0)
    CHECK_ZERO(pthread_detach(pthread_self()));
  pthread_mutex_lock(&lock);
  finished++;
  pthread_mutex_unlock(&lock);
  gate_open(left);
  return NULL;
}

int main(void) {
  pthread_attr_t attr;
  left = gate_make();
  CHECK_ZERO(pthread_attr_init(&attr));
  CHECK_ZERO(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
  for (long i = 0; i < THREADS; i++) {
    pthread_t id;
    CHECK_ZERO(pthread_create(&id, i % 3 == 1 ? &attr : NULL, thread, (void *)i));
    if (i % 3 == 2)
      CHECK_ZERO(pthread_detach(id));
    if (i % 4 == 3)
      for (int j = 0; j < 4; j++)
        gate_wait(left);
  }
  CHECK(finished == THREADS);
  int reused = 0;
  for (int i = 1; i < THREADS; i++)
    for (int j = 0; j < i; j++)
      if (stacks[i] == stacks[j]) {
        reused++;
        break;
      }
  mix(stacks, sizeof(stacks));
  printf("%d of %d on a stack used before\n", reused, THREADS);
  return done();
}
