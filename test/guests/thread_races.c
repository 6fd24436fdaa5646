/*
 * Threads that race in many ways within a few milliseconds: for plain counters, a lock, a pipe, mappings, and by signals.
 * What comes out is another sum each time, so a replay that takes another turn anywhere shows.
 */
#include "guest_tasks.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

enum { THREADS = 3, ROUNDS = 24 };

static volatile uint64_t lost, last, order;
static volatile uint64_t *volatile shared;
static volatile int posts;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t threads[THREADS];
static int ends[2];

static void fold(uint64_t value) { order = order * 6364136223846793005u + value; }

static void on_signal(int signal) { fold((uint64_t)signal + lost); }

static void race(unsigned self, unsigned round) {
  for (unsigned i = 0; i < 50; i++)
    lost += 1;
  last = self;
  fold(last + lost);
  switch ((self + round) % 6) {
  case 0:
    CHECK_ZERO(pthread_mutex_lock(&lock));
    posts++;
    CHECK_ZERO(pthread_cond_broadcast(&changed));
    CHECK_ZERO(pthread_mutex_unlock(&lock));
    break;
  case 1: {
    char byte = (char)self;
    CHECK_SYS(write(ends[1], &byte, 1));
    break;
  }
  case 2: {
    char bytes[4] = {0};
    ssize_t got = read(ends[0], bytes, sizeof bytes);
    fold((uint64_t)got + (uint64_t)bytes[0]);
    break;
  }
  case 3: {
    uint64_t *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapped != MAP_FAILED);
    *mapped = lost;
    shared = mapped;
    break;
  }
  case 4: {
    volatile uint64_t *seen = shared;
    if (seen != NULL)
      fold(*seen += 1);
    sched_yield();
    break;
  }
  case 5:
    CHECK_ZERO(pthread_kill(threads[round % (self + 1)], SIGUSR1));
    break;
  }
}

static void *run(void *arg) {
  unsigned self = (unsigned)(uintptr_t)arg;
  for (unsigned round = 0; round < ROUNDS; round++)
    race(self, round);
  CHECK_ZERO(pthread_mutex_lock(&lock));
  posts += 100;
  CHECK_ZERO(pthread_cond_broadcast(&changed));
  while (posts < 100 * THREADS)
    CHECK_ZERO(pthread_cond_wait(&changed, &lock));
  CHECK_ZERO(pthread_mutex_unlock(&lock));
  return NULL;
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  CHECK_SYS(pipe2(ends, O_NONBLOCK));
  threads[0] = pthread_self();
  for (unsigned i = 1; i < THREADS; i++)
    threads[i] = threads[0];
  for (unsigned i = 1; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)i));
  run(NULL);
  for (unsigned i = 1; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  printf("sum %016lx, %lu counted\n", (unsigned long)order, (unsigned long)lost);
  return done();
}
