/* The stack grows as far as recursion goes, in steps of any size, in the first process and in a child. */
#include "guest_tasks.h"

static uintptr_t stack_start(void) {
  char line[512];
  uintptr_t start = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(maps != NULL);
  while (fgets(line, sizeof(line), maps))
    if (strstr(line, "[stack]"))
      start = strtoul(line, NULL, 16);
  fclose(maps);
  return start;
}

static volatile uintptr_t deepest;

static unsigned long __attribute__((noinline)) recurse(int depth, unsigned long seed) {
  volatile unsigned char frame[3000];
  for (size_t i = 0; i < sizeof(frame); i += 100)
    frame[i] = (unsigned char)(seed >> (i % 50));
  deepest = (uintptr_t)frame;
  if (depth % 256 == 0)
    getppid();
  unsigned long sum = depth > 0 ? recurse(depth - 1, seed * 31 + depth) : seed;
  for (size_t i = 0; i < sizeof(frame); i += 100)
    CHECK(frame[i] == (unsigned char)(seed >> (i % 50)));
  return sum + frame[100];
}

/* Touches only the far end: everything between stays unmapped by touch, but inside the area. */
static void __attribute__((noinline)) jump(size_t size) {
  volatile char *memory = __builtin_alloca(size);
  memory[0] = 1;
  deepest = (uintptr_t)memory;
}

int main(void) {
  struct rlimit limit;
  CHECK_SYS(getrlimit(RLIMIT_STACK, &limit));
  if (limit.rlim_cur < 6 << 20)
    skip("little stack allowed");
  uintptr_t before = stack_start();
  unsigned long sum = recurse(300, getpid());
  uintptr_t middle = stack_start();
  CHECK(middle < before && middle <= deepest);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    jump(5 << 20);
    CHECK(stack_start() <= deepest);
    _exit(0);
  }
  wait_exit(pid, 0);
  CHECK(stack_start() == middle);
  sum += recurse(1500, sum);
  CHECK(stack_start() < middle);
  printf("stack from %lx, %lx, %lx; sum %lx\n", before, middle, stack_start(), sum);
  return done();
}
