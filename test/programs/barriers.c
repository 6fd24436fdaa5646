/* Threads of OpenMP that wait for each other in loops: barriers, a critical section, dynamic schedules, tasks. */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>

enum { ROUNDS = 40, ITEMS = 4000, TASKS = 200 };

static uint64_t items[ITEMS];

static uint64_t mixed(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

int main(void) {
  uint64_t order = 1, sum = 0;
  int threads = 0;
#pragma omp parallel reduction(+ : sum)
  {
#pragma omp single
    threads = omp_get_num_threads();
    for (int round = 0; round < ROUNDS; round++) {
#pragma omp barrier
#pragma omp for schedule(dynamic, 50)
      for (int i = 0; i < ITEMS; i++)
        items[i] = mixed(items[i] + (uint64_t)i + 1 + (uint64_t)omp_get_thread_num());
      /* Who comes when is a race: the replay must have the same order. */
#pragma omp critical
      order = mixed(order * 31 + (uint64_t)omp_get_thread_num());
    }
    for (int i = 0; i < ITEMS; i++)
      sum += items[i];
#pragma omp barrier
#pragma omp single
    for (int i = 0; i < TASKS; i++)
#pragma omp task firstprivate(i)
    {
      uint64_t part = mixed((uint64_t)i + 1 + (uint64_t)omp_get_thread_num());
#pragma omp atomic
      items[i % 8] += part;
    }
  }
  for (int i = 0; i < 8; i++)
    sum = mixed(sum + items[i]);
  printf("%d threads: %016lx %016lx\n", threads, order, sum);
  return 0;
}
