/*
 * Shared anonymous memory after fork: turns taken through a futex, an atomic counter hit from both sides, mutex
 * between processes.
 */
#include "guest.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { ROUNDS = 200 };

struct shared {
  uint32_t turn;
  uint32_t counter;
  pthread_mutex_t mutex;
  uint64_t guarded;
  pid_t last;
  uint32_t log_size;
  uint32_t log[4 * ROUNDS];
};

static void wait_turn(struct shared *s, uint32_t mine) {
  uint32_t now;
  while ((now = __atomic_load_n(&s->turn, __ATOMIC_ACQUIRE)) % 2 != mine) {
    long result = syscall(SYS_futex, &s->turn, FUTEX_WAIT, now, NULL, NULL, 0);
    CHECK(result == 0 || errno == EAGAIN || errno == EINTR);
  }
}

static void play(struct shared *s, uint32_t mine) {
  for (int i = 0; i < ROUNDS; i++) {
    wait_turn(s, mine);
    s->last = getpid();
    __atomic_add_fetch(&s->turn, 1, __ATOMIC_RELEASE);
    CHECK_SYS(syscall(SYS_futex, &s->turn, FUTEX_WAKE, 1, NULL, NULL, 0));
  }
  /* Who comes when is chance from here on. */
  for (int i = 0; i < ROUNDS; i++) {
    __atomic_add_fetch(&s->counter, 1, __ATOMIC_SEQ_CST);
    CHECK_ZERO(pthread_mutex_lock(&s->mutex));
    s->guarded = s->guarded * 3 + mine;
    s->log[s->log_size++] = mine;
    CHECK_ZERO(pthread_mutex_unlock(&s->mutex));
    if (i % 16 == 0)
      CHECK_SYS((int)syscall(SYS_sched_yield));
  }
}

int main(void) {
  struct shared *s =
      CHECK_SYS(mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t attributes;
  CHECK_ZERO(pthread_mutexattr_init(&attributes));
  CHECK_ZERO(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
  CHECK_ZERO(pthread_mutex_init(&s->mutex, &attributes));

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    play(s, 1);
    _exit(0);
  }
  play(s, 0);
  wait_ok(child);
  CHECK(s->turn == 2 * ROUNDS && s->last == child && s->counter == 2 * ROUNDS && s->log_size == 2 * ROUNDS);
  MIX(s->guarded);
  MIX(s->log);
  return done();
}
