/*
 * A loop whose rounds differ in one word only, which lies further on than any instruction or pointer in sight: at the end of
 * a list that each round walks. Then the same in code that the program has made, and may change at any time.
 */
#include "guest_tasks.h"

#include <sys/mman.h>
#include <sys/time.h>

enum { TICKS = 8, NODES = 160, PAGE = 4096 };

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

/* mov rax, [rdi + 8]; add [rdi + 16], rax; mov rdi, [rdi]; test rdi, rdi; jnz to the first; ret */
static const uint8_t walk_code[] = {0x48, 0x8b, 0x47, 0x08, 0x48, 0x01, 0x47, 0x10, 0x48,
                                    0x8b, 0x3f, 0x48, 0x85, 0xff, 0x75, 0xf0, 0xc3};

static void show(const char *what) {
  for (int i = 0; i < TICKS; i++)
    printf("%s, %d: %llu rounds\n", what, i, (unsigned long long)counts[i]);
}

/* Volatile, and set elsewhere, so that neither registers nor the stack point further than to the first node. */
static struct node *volatile first;
static void (*volatile walk)(struct node *);

/* On a page each: code that can be written to, all nodes but the last, and the last. */
__attribute__((noinline)) static void prepare(void) {
  char *const pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED);
  memcpy(pages, walk_code, sizeof walk_code);
  walk = (void (*)(struct node *))(void *)pages;
  struct node *const nodes = (struct node *)(pages + PAGE);
  for (int i = 0; i + 1 < NODES; i++)
    nodes[i].next = &nodes[i + 1];
  first = nodes;
  last = (struct node *)(pages + 2 * PAGE);
  last->step = 1;
  nodes[NODES - 1].next = last;
}

int main(void) {
  prepare();
  CHECK(signal(SIGALRM, on_tick) != SIG_ERR);
  const struct itimerval each = {{0, 15000}, {0, 15000}};
  CHECK(setitimer(ITIMER_REAL, &each, NULL) == 0);
  while (ticks < TICKS)
    for (struct node *node = first; node != NULL; node = node->next)
      node->count += node->step;
  show("compiled");
  ticks = 0;
  while (ticks < TICKS)
    walk(first);
  show("generated");
  return done();
}
