/*
 * cpuid in code that the program makes while it runs, as compilers for virtual machines do: it tells on which CPU it is.
 */
#include "guest_tasks.h"

#include <sys/mman.h>

/* cpu_mapped_cpuid.c has another one. */
#ifndef PROT_AT_FIRST
#define PROT_AT_FIRST (PROT_READ | PROT_WRITE)
#endif

/* push rbx; mov eax, 1; xor ecx, ecx; cpuid; mov eax, ebx; pop rbx; ret */
static const uint8_t code[] = {0x53, 0xb8, 1, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x89, 0xd8, 0x5b, 0xc3};
static uint32_t (*ask)(void);
static uint32_t answers[8];

/* Long enough for a recorder that keeps programs on one CPU to see that two of them could use two. */
static void compute(void) {
  static volatile uint64_t sum;
  for (uint64_t i = 0; i < 60000000; i++)
    sum += i;
}

static void *asks(void *answer) {
  for (int i = 0; i < 200; i++) {
    *(uint32_t *)answer = *(uint32_t *)answer * 31 + ask();
    sched_yield();
  }
  return NULL;
}

int main(void) {
  void *const made = mmap(NULL, 4096, PROT_AT_FIRST, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(made != MAP_FAILED);
  memcpy(made, code, sizeof code);
  if (!(PROT_AT_FIRST & PROT_EXEC))
    CHECK(mprotect(made, 4096, PROT_READ | PROT_EXEC) == 0);
  ask = (uint32_t(*)(void))made;
  const pid_t child = fork();
  CHECK(child >= 0);
  for (int i = 0; i < 4; i++) {
    compute();
    asks(&answers[i]);
  }
  if (child == 0)
    _exit((int)(answers[3] & 127));
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    CHECK(pthread_create(&threads[i], NULL, asks, &answers[4 + i]) == 0);
  for (int i = 0; i < 3; i++)
    CHECK(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < 7; i++)
    printf("%d: %08x\n", i, answers[i]);
  printf("child: %d\n", WEXITSTATUS(status));
  return done();
}
