/*
 * Signals that hit an interpreter: its registers, its stack and its frame are the same in every few rounds, as the boxes
 * that hold its variables are used again in turn. What tells the rounds apart is what the boxes hold that the frame points
 * to, in memory too large to be compared whole.
 */
#include "guest.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

enum { BOXES = 4, APART = 0x200000, TICKS = 12, HEADER = 12 };
enum op { REST, INCREMENT, REPEAT };

struct box {
  struct box *next;
  uint64_t value;
};

/* The variable lies behind more than is looked at of what a register points to. */
struct frame {
  uint64_t header[HEADER];
  struct box *variable;
};

static struct box *unused;
static struct frame *frame;
static volatile sig_atomic_t ticks;
static uint64_t seen[TICKS];

static void on_tick(int signal) {
  (void)signal;
  if (ticks < TICKS)
    seen[ticks++] = frame->variable->value;
}

static __attribute__((noinline)) void increment(struct frame *here) {
  struct box *fresh = unused, *old = here->variable;
  unused = fresh->next;
  fresh->next = NULL;
  fresh->value = old->value + 1;
  here->variable = fresh;
  struct box **last = &unused;
  while (*last != NULL)
    last = &(*last)->next;
  old->next = NULL;
  *last = old;
}

static void run(const unsigned char *code, struct frame *here) {
  for (size_t at = 0;;) {
    switch (code[at++]) {
    case REST: {
      /* More instructions than are looked at of what comes next, and no trace of the boxes in registers. */
      uint64_t bit = 1;
      __asm__ volatile("xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n xorl %%esi, %%esi\n xorl %%edi, %%edi\n xorl %%r8d, %%r8d\n"
                       "xorl %%r9d, %%r9d\n xorl %%r10d, %%r10d\n xorl %%r11d, %%r11d\n .rept 300\n rolq %0\n .endr"
                       : "+a"(bit)::"rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
      break;
    }
    case INCREMENT:
      increment(here);
      break;
    case REPEAT:
      if (ticks == TICKS)
        return;
      at = 0;
    }
  }
}

int main(void) {
  char *memory = CHECK_SYS(mmap(NULL, (BOXES + 1) * APART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  for (int i = 0; i < BOXES; i++) {
    struct box *box = (struct box *)(memory + i * APART);
    box->next = unused;
    unused = box;
  }
  frame = (struct frame *)(memory + BOXES * APART);
  frame->variable = unused;
  unused = unused->next;
  frame->variable->next = NULL;
  unsigned char code[64] = {INCREMENT};
  code[sizeof(code) - 1] = REPEAT;
  CHECK_SYS(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_tick}, NULL));
  struct itimerval timer = {.it_value.tv_usec = 3000, .it_interval.tv_usec = 3000}, off = {0};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  run(code, frame);
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  MIX(seen);
  return done();
}
