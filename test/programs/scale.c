/*
 * Much of one thing. Usage: scale threads|processes|heap COUNT
 *
 * threads: so many at the same time. processes: so many, 20 at a time. heap: so many MiB, each page written.
 */
#include "../guests/guest.h"

#include <pthread.h>
#include <sys/random.h>

static pthread_barrier_t all_there;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t order;

static void *thread(void *number) {
  pthread_barrier_wait(&all_there);
  uint32_t random;
  CHECK(getrandom(&random, sizeof(random), 0) == sizeof(random));
  CHECK_ZERO(pthread_mutex_lock(&lock));
  order = order * 31 + (uint64_t)number + random;
  CHECK_ZERO(pthread_mutex_unlock(&lock));
  return number;
}

static void threads(long count) {
  pthread_t *ids = calloc(count, sizeof(*ids));
  pthread_attr_t attr;
  CHECK_ZERO(pthread_attr_init(&attr));
  CHECK_ZERO(pthread_attr_setstacksize(&attr, 65536));
  CHECK_ZERO(pthread_barrier_init(&all_there, NULL, count + 1));
  for (long i = 0; i < count; i++)
    CHECK_ZERO(pthread_create(&ids[i], &attr, thread, (void *)i));
  pthread_barrier_wait(&all_there);
  for (long i = 0; i < count; i++) {
    void *number;
    CHECK_ZERO(pthread_join(ids[i], &number));
    CHECK((long)number == i);
  }
  MIX(order);
}

static void processes(long count) {
  enum { AT_ONCE = 20 };
  for (long i = 0; i < count + AT_ONCE; i++) {
    if (i >= AT_ONCE) {
      int status;
      pid_t pid = CHECK_SYS(wait(&status));
      CHECK(WIFEXITED(status));
      MIX(pid);
      MIX(status);
    }
    if (i < count && CHECK_SYS(fork()) == 0)
      _exit(getpid() & 127);
  }
}

static void heap(long count) {
  enum { PAGE = 4096, MIB = 1 << 20 };
  char **blocks = calloc(count, sizeof(*blocks));
  for (long i = 0; i < count; i++) {
    blocks[i] = malloc(MIB);
    CHECK(blocks[i] != NULL);
    uint32_t random;
    CHECK(getrandom(&random, sizeof(random), 0) == sizeof(random));
    for (long at = 0; at < MIB; at += PAGE)
      memcpy(blocks[i] + at, &random, sizeof(random));
  }
  for (long i = 0; i < count; i++) {
    for (long at = 0; at < MIB; at += PAGE)
      mix(blocks[i] + at, sizeof(uint32_t));
  }
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  long count = atol(argv[2]);
  if (strcmp(argv[1], "threads") == 0)
    threads(count);
  else if (strcmp(argv[1], "processes") == 0)
    processes(count);
  else
    heap(count);
  return done();
}
