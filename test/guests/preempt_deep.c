/*
 * A loop whose rounds differ in one word only, which lies further on than any instruction or pointer in sight: at the end of
 * a list that each round walks.
 */
#include "guest_tasks.h"

#include <sys/mman.h>
#include <sys/time.h>

enum { TICKS = 8, NODES = 160 };

struct node {
  struct node *next;
  uint64_t step;
  uint64_t count;
};

static struct node *last;
static uint64_t counts[TICKS];
static volatile sig_atomic_t ticks;

static void on_tick(int signal) {
  (void)signal;
  if (ticks < TICKS)
    counts[ticks++] = last->count;
}

int main(void) {
  struct node *const nodes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(nodes != MAP_FAILED);
  for (int i = 0; i < NODES; i++)
    nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
  last = &nodes[NODES - 1];
  last->step = 1;
  CHECK(signal(SIGALRM, on_tick) != SIG_ERR);
  const struct itimerval each = {{0, 15000}, {0, 15000}};
  CHECK(setitimer(ITIMER_REAL, &each, NULL) == 0);
  while (ticks < TICKS)
    for (struct node *node = nodes; node != NULL; node = node->next)
      node->count += node->step;
  for (int i = 0; i < TICKS; i++)
    printf("%d: %llu rounds\n", i, (unsigned long long)counts[i]);
  return done();
}
