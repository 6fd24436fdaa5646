/* Threads that return values, in and out of order, from stacks of several kinds. */
#include "guest_tasks.h"

enum { THREADS = 40 };

static pid_t tids[THREADS];

static void *square(void *arg) {
  long which = (long)arg;
  tids[which] = gettid();
  if (which % 3 == 0)
    sched_yield();
  if (which % 5 == 0)
    pthread_exit((void *)(which * which));
  return (void *)(which * which);
}

static void *stack_report(void *arg) {
  char local[2000];
  memset(local, 7, sizeof(local));
  *(uintptr_t *)arg = (uintptr_t)local;
  return NULL;
}

static void stacks(void) {
  enum { SIZE = 256 << 10 };
  pthread_attr_t attr;
  pthread_t thread;
  void *address, *seen;
  size_t size, guard;
  CHECK_ZERO(pthread_attr_init(&attr));
  CHECK_ZERO(pthread_attr_setstacksize(&attr, SIZE));
  CHECK_ZERO(pthread_attr_setguardsize(&attr, 3 * 4096));
  CHECK_ZERO(pthread_create(&thread, &attr, stack_report, &seen));
  CHECK_ZERO(pthread_join(thread, NULL));
  CHECK_ZERO(pthread_attr_getguardsize(&attr, &guard));
  printf("own size: stack at %p, guard %zu\n", seen, guard);
  CHECK_ZERO(pthread_attr_destroy(&attr));

  void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  CHECK(memory != MAP_FAILED);
  CHECK_ZERO(pthread_attr_init(&attr));
  CHECK_ZERO(pthread_attr_setstack(&attr, memory, SIZE));
  CHECK_ZERO(pthread_create(&thread, &attr, stack_report, &seen));
  CHECK_ZERO(pthread_join(thread, NULL));
  CHECK((char *)seen >= (char *)memory && (char *)seen < (char *)memory + SIZE);
  CHECK_ZERO(pthread_attr_destroy(&attr));
  mix(memory, SIZE);
  CHECK_SYS(munmap(memory, SIZE));

  CHECK_ZERO(pthread_getattr_np(pthread_self(), &attr));
  CHECK_ZERO(pthread_attr_getstack(&attr, &address, &size));
  printf("first thread: %p + %zx\n", address, size);
  CHECK((char *)&attr > (char *)address && (char *)&attr < (char *)address + size);
  CHECK_ZERO(pthread_attr_destroy(&attr));
}

int main(void) {
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, square, (void *)i));
  for (long i = THREADS - 1; i >= 0; i--) {
    void *result;
    CHECK_ZERO(pthread_join(threads[i], &result));
    CHECK((long)result == i * i);
    MIX(tids[i]);
  }
  printf("tids %d to %d\n", tids[0], tids[THREADS - 1]);
  CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);
  stacks();
  return done();
}
