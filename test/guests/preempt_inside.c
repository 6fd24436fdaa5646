/*
 * A loop that an indirect jump enters at every of some short instructions, while a timer interrupts it: some of them lie under
 * whatever stands in for the first.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { ROUNDS = 3000000, TURNS = 3 };

static volatile sig_atomic_t ticks;
static uint64_t progress;
static uint64_t seen = 1469598103934665603ul;

static void on_tick(int signal) {
  (void)signal;
  seen = (seen ^ progress) * 1099511628211ul;
  ticks++;
}

static void set_timer(long microseconds) {
  struct itimerval timer = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* Each of the instructions at 2 takes one byte or two. */
static uint64_t run(void) {
  uint64_t a = 1, b = 0;
  progress = 0;
  __asm__ volatile(
      "1: incq progress(%%rip)\n"
      "mov %0, %%rsi\n"
      "shr $59, %%rsi\n"
      "and $3, %%esi\n"
      "lea 2f(%%rip), %%rdi\n"
      "add %%rsi, %%rdi\n"
      "xor %%eax, %%eax\n"
      "jmp *%%rdi\n"
      "2: cwtl\n"
      "cltd\n"
      "stc\n"
      "sahf\n"
      "lahf\n"
      "cwtl\n"
      "imul $69069, %0, %0\n"
      "lea 1(%0, %%rax), %0\n"
      "xor %0, %1\n"
      ".rept 24\n"
      "imul $5, %1, %1\n"
      "add $3, %1\n"
      ".endr\n"
      "decl %2\n"
      "jnz 1b"
      : "+r"(a), "+r"(b)
      : "m"((int){ROUNDS})
      : "cc", "rax", "rdx", "rsi", "rdi", "memory");
  return a ^ b;
}

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  if (sigaction(SIGALRM, &action, NULL) != 0) return 1;
  const uint64_t alone = run();
  for (int i = 0; i < TURNS; i++) {
    set_timer(1000);
    const uint64_t interrupted = run();
    set_timer(0);
    printf("%d: %s, %d ticks, %lx\n", i, alone == interrupted ? "same" : "DIFFERENT", (int)ticks, seen);
    if (alone != interrupted) return 1;
  }
  printf("preempt_inside ok\n");
  return 0;
}
