/*
 * Reads the time 60,000 times by all of the ways a C library has. With an argument it first makes code, in which nobody has
 * looked for instructions that read the time stamp counter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

/* rdtsc; ret */
static const unsigned char code[] = {0x0f, 0x31, 0xc3};

int main(int argc, char **argv) {
  (void)argv;
  unsigned (*made)(void) = NULL;
  if (argc > 1) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 1;
    memcpy(page, code, sizeof code);
    made = (unsigned (*)(void))page;
  }
  struct timespec now, last = {0, 0};
  struct timeval day;
  unsigned long sum = 0;
  for (int i = 0; i < 10000; i++) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec)) return 2;
    last = now;
    clock_gettime(CLOCK_REALTIME, &now);
    sum = sum * 31 + (unsigned long)now.tv_nsec;
    clock_gettime(CLOCK_BOOTTIME, &now);
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    sum = sum * 31 + (unsigned long)now.tv_nsec;
    gettimeofday(&day, NULL);
    sum = sum * 31 + (unsigned long)day.tv_usec;
    sum = sum * 31 + (unsigned long)time(NULL);
    if (made != NULL && i % 1000 == 0) sum = sum * 31 + made();
  }
  printf("%lx\n", sum);
  return 0;
}
