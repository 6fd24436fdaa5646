/*
 * Short loops of several shapes, interrupted by a timer: each computes what it computes alone, and the handler sees its
 * registers.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#define SHAPES 7

static volatile unsigned long ticks;
static uint64_t seen = 14695981039346656037ul;
static uint64_t memory[2];

static void on_alarm(int signal, siginfo_t *info, void *context) {
  const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
  static const int looked_at[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_EFL};
  (void)signal;
  (void)info;
  for (unsigned i = 0; i < sizeof looked_at / sizeof *looked_at; i++)
    seen = (seen ^ (uint64_t)regs[looked_at[i]]) * 1099511628211ul;
  ticks++;
}

static void set_timer(long microseconds) {
  struct itimerval timer = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* Registers and flags go from round to round: rcx counts, and the carry is added in the next round. */
static uint64_t carries(long n) {
  uint64_t a = 0x9e3779b97f4a7c15ul, b = 1;
  __asm__ volatile(
      "clc\n"
      "1: adc %1, %0\n"
      "rcl $1, %1\n"
      "dec %%rcx\n"
      "jnz 1b"
      : "+r"(a), "+r"(b), "+c"(n)
      :
      : "cc");
  return a ^ b;
}

/* A branch within the round, taken in every second or so. */
static uint64_t branches(long n) {
  uint64_t a = 88172645463325252ul, b = 0;
  __asm__ volatile(
      "1: imul $69069, %0, %0\n"
      "inc %0\n"
      "bt $40, %0\n"
      "jc 2f\n"
      "add %0, %1\n"
      "jmp 3f\n"
      "2: xor %0, %1\n"
      "3: dec %2\n"
      "jnz 1b"
      : "+r"(a), "+r"(b), "+r"(n)
      :
      : "cc");
  return a ^ b;
}

/* Skips the end of a round, with a jump that leads forward, or back to its beginning. */
static uint64_t skips(long n) {
  uint64_t a = 88172645463325252ul, b = 0;
  __asm__ volatile(
      "1: dec %2\n"
      "js 3f\n"
      "imul $69069, %0, %0\n"
      "inc %0\n"
      "bt $41, %0\n"
      "jnc 2f\n"
      "add %0, %1\n"
      "bt $42, %0\n"
      "jc 1b\n"
      "rol $3, %1\n"
      "2: jmp 1b\n"
      "3:"
      : "+r"(a), "+r"(b), "+r"(n)
      :
      : "cc");
  return a ^ b;
}

/* Left in its midst, and closed by a jump. */
static uint64_t midst(long n) {
  uint64_t a = 3, b = 0;
  __asm__ volatile(
      "1: lea 1(%0, %0, 2), %0\n"
      "sub $1, %2\n"
      "jb 2f\n"
      "xor %0, %1\n"
      "rol $7, %1\n"
      "jmp 1b\n"
      "2:"
      : "+r"(a), "+r"(b), "+r"(n)
      :
      : "cc");
  return a ^ b;
}

/* Over after a few rounds, and begun again. */
static uint64_t brief(long n) {
  uint64_t a = 5, b = 0;
  long few;
  __asm__ volatile(
      "1: mov $3, %3\n"
      "2: imul $5, %0, %0\n"
      "add $7, %0\n"
      "xor %0, %1\n"
      "dec %3\n"
      "jnz 2b\n"
      "rol $9, %1\n"
      "dec %2\n"
      "jnz 1b"
      : "+r"(a), "+r"(b), "+r"(n), "=&r"(few)
      :
      : "cc");
  return a ^ b;
}

/* Operands that are named relative to the instruction. */
static uint64_t relative(long n) {
  memory[0] = 7;
  memory[1] = 0;
  __asm__ volatile(
      "1: mov memory(%%rip), %%rdx\n"
      "imul $69069, %%rdx, %%rdx\n"
      "inc %%rdx\n"
      "mov %%rdx, memory(%%rip)\n"
      "xor %%rdx, memory+8(%%rip)\n"
      "dec %0\n"
      "jnz 1b"
      : "+r"(n)
      :
      : "cc", "rdx", "memory");
  return memory[0] ^ memory[1];
}

/* One instruction and a jump. */
static uint64_t least(long n) {
  uint64_t rounds = (uint64_t)n * 2;
  __asm__ volatile("1: dec %0\njnz 1b" : "+r"(rounds) : : "cc");
  return rounds;
}

int main(void) {
  static uint64_t (*const shapes[SHAPES])(long) = {carries, branches, skips, midst, brief, relative, least};
  static const long counts[SHAPES] = {10000000, 5000000, 5000000, 10000000, 3000000, 5000000, 20000000};
  struct sigaction action;
  setlinebuf(stdout);
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_alarm;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGALRM, &action, NULL) != 0) return 1;
  for (int i = 0; i < SHAPES; i++) {
    const uint64_t alone = shapes[i](counts[i]);
    const unsigned long before = ticks;
    set_timer(1000);
    const uint64_t interrupted = shapes[i](counts[i]);
    set_timer(0);
    printf("shape %d: %s, %lu ticks, %lx\n", i, alone == interrupted ? "same" : "DIFFERENT", ticks - before, seen);
    if (alone != interrupted) return 1;
  }
  printf("preempt_rows ok\n");
  return 0;
}
