/* agent-loop COUNT: the same calls over and over, as many different ones as a C library makes by sites of its own. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned long sum;

static void must(int holds, const char *what) {
  if (holds)
    return;
  perror(what);
  exit(1);
}

int main(int argc, char **argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 100;
  int ends[2];
  char byte = 7;
  const int zero = open("/dev/zero", O_RDONLY);
  must(zero >= 0 && pipe(ends) == 0, "pipe");
  for (int i = 0; i < count; i++) {
    struct timespec now;
    struct stat status;
    struct pollfd ready = {ends[0], POLLIN, 0};
    must(read(zero, &byte, 1) == 1 && byte == 0, "read");
    must(write(ends[1], &byte, 1) == 1, "write");
    must(poll(&ready, 1, -1) == 1, "poll");
    fd_set set;
    struct timeval limit = {9, 0};
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    must(select(ends[0] + 1, &set, NULL, NULL, &limit) == 1, "select");
    must(read(ends[0], &byte, 1) == 1, "read");
    must(lseek(zero, 0, SEEK_SET) == 0 && fstat(zero, &status) == 0, "lseek");
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    sum = sum * 31 + (unsigned long)now.tv_nsec + (unsigned long)getppid();
  }
  printf("sum %lx\n", sum);
  return 7;
}
