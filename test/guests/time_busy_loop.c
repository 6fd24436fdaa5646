/* A loop that runs until a clock says so: how often it turns differs each time, and a replay must turn as often. */
#include "guest.h"

#include <sys/time.h>
#include <time.h>

int main(void) {
  struct timespec start, now;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &start));
  uint64_t turns = 0, sum = 0;
  do {
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    sum = sum * 31 + (uint64_t)now.tv_nsec;
    turns++;
  } while ((now.tv_sec - start.tv_sec) * 1000000000LL + now.tv_nsec - start.tv_nsec < 5000000);
  printf("%llu turns, sum %016llx\n", (unsigned long long)turns, (unsigned long long)sum);

  struct timeval first, last;
  CHECK_SYS(gettimeofday(&first, NULL));
  turns = 0;
  do {
    CHECK_SYS(gettimeofday(&last, NULL));
    turns++;
  } while (last.tv_sec == first.tv_sec && last.tv_usec - first.tv_usec < 1000);
  printf("%llu turns\n", (unsigned long long)turns);
  return done();
}
