/* Four threads on one CPU compute, N steps each, without a system call. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static long count;

static void *run(void *argument) {
  unsigned long own = (unsigned long)argument + 88172645463325252ul;
  for (long i = 0; i < count; i++) {
    own ^= own << 13;
    own ^= own >> 7;
    own ^= own << 17;
  }
  return (void *)own;
}

int main(int argc, char **argv) {
  pthread_t threads[4];
  cpu_set_t cpus, first;
  count = argc > 1 ? atol(argv[1]) : 200000000;
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) return 1;
  CPU_ZERO(&first);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&first) == 0; cpu++) {
    if (CPU_ISSET(cpu, &cpus)) CPU_SET(cpu, &first);
  }
  if (sched_setaffinity(0, sizeof first, &first) != 0) return 1;
  for (long i = 0; i < 4; i++) {
    if (pthread_create(&threads[i], NULL, run, (void *)i) != 0) return 1;
  }
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  return 0;
}
