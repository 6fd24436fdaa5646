/*
 * Two processes that wait for each other by looking at shared memory, without a system call: only preemption helps
 * one.
 */
#include "guest.h"

#include <sys/mman.h>

enum { ROUNDS = 6 };

struct shared {
  uint32_t turn;
  uint64_t spins[2];
};

static void play(struct shared *s, uint32_t mine) {
  for (uint32_t round = 0; round < ROUNDS; round++) {
    while (__atomic_load_n(&s->turn, __ATOMIC_ACQUIRE) != 2 * round + mine) {
      s->spins[mine]++;
      __builtin_ia32_pause();
    }
    __atomic_store_n(&s->turn, 2 * round + mine + 1, __ATOMIC_RELEASE);
  }
}

int main(void) {
  struct shared *s = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    play(s, 1);
    _exit(0);
  }
  play(s, 0);
  wait_ok(child);
  CHECK(s->turn == 2 * ROUNDS);
  printf("waited %llu and %llu times\n", (unsigned long long)s->spins[0], (unsigned long long)s->spins[1]);
  return done();
}
