// Changes its memory in every common way, argv[1] times, a part of it in a child, and ends with 7 if all was as expected.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L

static long sum;

static void check(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "not as expected: %s\n", what);
  exit(1);
}

static void anonymous(int round) {
  char* p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(p != MAP_FAILED && p[0] == 0 && p[6 * PAGE - 1] == 0, "fresh memory is empty");
  memset(p, round | 1, 6 * PAGE);
  check(mprotect(p + PAGE, PAGE, PROT_READ) == 0, "mprotect");
  check(madvise(p + 4 * PAGE, PAGE, MADV_DONTNEED) == 0 && p[4 * PAGE] == 0 && p[5 * PAGE] != 0, "madvise");
  check(munmap(p + 2 * PAGE, PAGE) == 0, "munmap");
  char* hole = mmap(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  check(hole == p + 2 * PAGE && hole[7] == 0 && hole[-1] == (char)(round | 1), "what was unmapped is empty");
  check(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL, "no length");
  check(munmap(p + 1, PAGE) == -1 && errno == EINVAL, "not a page");
  sum += (long)p % 1000003 + p[3 * PAGE];
  // Some stay, each beside the one before.
  if (round % 8 != 0) check(munmap(p, 6 * PAGE) == 0, "munmap");
}

static void file(int fd) {
  char* p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  check(p != MAP_FAILED && memcmp(p, "\177ELF", 4) == 0, "the file is there");
  char* second = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
  check(second != MAP_FAILED && memcmp(second, p + PAGE, PAGE) == 0, "its second page, too");
  p[1] = 'e';
  sum += p[1] + second[100] + (long)second % 1000003;
  check(munmap(p, 2 * PAGE) == 0 && munmap(second, PAGE) == 0, "munmap");
}

static void program_break(int round) {
  char* start = sbrk(3 * PAGE);
  check(start != (void*)-1 && start[0] == 0 && start[3 * PAGE - 1] == 0, "the break goes up");
  memset(start, round | 1, 3 * PAGE);
  check(sbrk(-2 * PAGE) != (void*)-1, "the break goes down");
  check(sbrk(2 * PAGE) == start + PAGE && start[PAGE] == 0 && start[0] == (char)(round | 1), "it is empty there");
  check(sbrk(-3 * PAGE) != (void*)-1, "the break goes down");
  sum += (long)start % 1000003;
}

static void rounds(int count, int fd) {
  for (int i = 0; i < count; i++) {
    anonymous(i);
    file(fd);
    program_break(i);
  }
}

int main(int argc, char** argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 100;
  const int fd = open(argv[0], O_RDONLY);
  check(fd >= 0, "it finds itself");
  rounds(count, fd);
  const pid_t child = fork();
  if (child == 0) {
    rounds(count, fd);
    printf("child %ld\n", sum);
    return 7;
  }
  rounds(count, fd);
  int status;
  check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7, "the child has ended well");
  printf("parent %ld\n", sum);
  return 7;
}
