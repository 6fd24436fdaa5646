/* Two threads take turns by sched_yield alone, over flags without any lock. */
#include "guest_tasks.h"

enum { ROUNDS = 300 };

static volatile int turn;
static volatile long yields[2];
static volatile unsigned long log_sum;

static void *player(void *arg) {
  int which = (int)(long)arg;
  for (int i = 0; i < ROUNDS; i++) {
    while (turn != which) {
      yields[which]++;
      sched_yield();
    }
    log_sum = log_sum * 31 + which * 7 + i;
    turn = !which;
  }
  return NULL;
}

int main(void) {
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, player, (void *)1L));
  player((void *)0L);
  CHECK_ZERO(pthread_join(thread, NULL));
  unsigned long expected = 0;
  for (int i = 0; i < ROUNDS; i++)
    for (int which = 0; which < 2; which++)
      expected = expected * 31 + which * 7 + i;
  CHECK(log_sum == expected);
  printf("yields %ld and %ld\n", yields[0], yields[1]);
  return done();
}
