/*
 * Signals that hit code which rewrites itself as it runs: an operand, an
 * operation, where a jump goes, and a page that is written anew beside the one
 * that runs.
 */
#include "guest_tasks.h"

#include <sys/time.h>

enum { TICKS = 5, ROUNDS = 50 };

static volatile sig_atomic_t ticks;
static volatile uint64_t stop;
static uint64_t seen[TICKS];

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  if (ticks == TICKS)
    return;
  seen[ticks] =
      seen[ticks] * 31 + (uint64_t)regs[REG_RIP] + 37 * (uint64_t)regs[REG_RCX] + 41 * (uint64_t)regs[REG_RSI];
  if (++ticks == TICKS)
    stop = 1;
}

/* Runs code of `rounds` rounds with sum 0; the sum at its end. */
static uint32_t call(const void *code, uint32_t rounds) {
  uint32_t sum;
  __asm__ volatile("xorl %%esi, %%esi\n call *%2\n movl %%esi, %0"
                   : "=&r"(sum), "+c"(rounds)
                   : "r"(code)
                   : "rax", "rsi", "cc", "memory");
  return sum;
}

static uint64_t until_ticks(const void *code) {
  uint64_t sum = 0;
  ticks = 0;
  stop = 0;
  while (!stop)
    sum = sum * 31 + call(code, ROUNDS);
  return sum;
}

/* Fences that take some 300 ns: where no check can stay in the code, each round
 * is a stop in a replay. */
#define FENCES4 0x0f, 0xae, 0xf0, 0x0f, 0xae, 0xf0, 0x0f, 0xae, 0xf0, 0x0f, 0xae, 0xf0
#define FENCES FENCES4, FENCES4, FENCES4, FENCES4, FENCES4, FENCES4

/* esi = esi * 3 + N each round, for each of several N. */
static const unsigned char template[] = {
    0x8d,   0x34, 0x76,          /* lea esi, [rsi+rsi*2] */
    0x81,   0xc6, 0,    0, 0, 0, /* add esi, N */
    FENCES,                      /* */
    0xff,   0xc9,                /* dec ecx */
    0x75,   0xab,                /* jnz to the beginning */
    0xc3,                        /* ret */
};

/* Every fourth round turns add into sub and back, and the target of the jump
 * from one arm to the other. */
static const unsigned char turns[] = {
    0x81,   0xc6, 7,    0,    0,    0,          /*  0: add (c6) or sub (ee) esi, 7 */
    0xf6,   0xc1, 3,                            /*  6: test cl, 3 */
    0x75,   0x0e,                               /*  9: jnz 25 */
    0x80,   0x35, 0xef, 0xff, 0xff, 0xff, 0x28, /* 11: xor byte [1], c6 ^ ee */
    0x80,   0x35, 1,    0,    0,    0,    0x03, /* 18: xor byte [26], 0 ^ 3 */
    0xeb,   0,                                  /* 25: jmp 27 or 30 */
    0x8d,   0x76, 5,                            /* 27: lea esi, [rsi+5] */
    FENCES,                                     /* 30 */
    0xff,   0xc9,                               /* 102: dec ecx */
    0x75,   0x96,                               /* 104: jnz 0 */
    0xc3,                                       /* 106: ret */
};

int main(void) {
  handle(SIGALRM, on_tick, SA_RESTART);
  unsigned char *code =
      CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  struct itimerval timer = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000}, off = {0};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));

  memcpy(code, turns, sizeof(turns));
  uint64_t sum = until_ticks(code);

  /* A compiler: each piece lies behind the last one, on the page that has just
   * run. */
  ticks = 0;
  stop = 0;
  for (uint32_t piece = 0; !stop; piece++) {
    unsigned char *here = code + 64 + piece % 60 * 128;
    memcpy(here, template, sizeof(template));
    memcpy(here + 5, &piece, sizeof(piece));
    sum = sum * 31 + call(here, ROUNDS);
  }

  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  MIX(sum);
  MIX(seen);
  return done();
}
