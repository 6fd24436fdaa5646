/*
 * Sites of cpuid and rdtsc that are passed so often that they are changed: with room behind them, and behind an instruction,
 * or several, that can be moved. All other registers, the flags and the red zone stay as they are; with signals in between, in threads,
 * in children, and with an answer that nobody has asked for before.
 */
#include "guest.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

/* r[0..14] = rax rbx rcx rdx rsi rdi rbp r8 … r15, r[15] = flags, r[16] = the red zone: loaded, and stored after the site. */
struct state {
  uint64_t r[17];
};

#define EACH_REGISTER(op)                                                                                              \
  op(0, "rax") op(8, "rbx") op(16, "rcx") op(24, "rdx") op(32, "rsi") op(48, "rbp") op(56, "r8") op(64, "r9")          \
      op(72, "r10") op(80, "r11") op(88, "r12") op(96, "r13") op(104, "r14") op(112, "r15")
#define LOAD(at, name) "  mov " #at "(%rdi), %" name "\n"
#define STORE(at, name) "  mov %" name ", " #at "(%rdi)\n"
#define SITE(name, instructions) SITE_BEFORE(name, instructions, "  .skip 32, 0xcc\n")
/* `behind`: what comes after the function. */
#define SITE_BEFORE(name, instructions, behind)                                                                        \
  void name(struct state *state);                                                                                      \
  __asm__(".pushsection .text\n.globl " #name "\n.type " #name ", @function\n.p2align 4\n" #name ":\n"                 \
          ".cfi_startproc\n"                                                                                           \
          "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"                             \
          "  mov 128(%rdi), %rax\n  mov %rax, -8(%rsp)\n  mov %rax, -128(%rsp)\n"                                      \
          "  push 120(%rdi)\n  popfq\n  mov 128(%rdi), %rax\n  mov %rax, -8(%rsp)\n" EACH_REGISTER(LOAD) instructions   \
              EACH_REGISTER(STORE) "  mov -8(%rsp), %rax\n  mov %rax, 128(%rdi)\n  pushfq\n  pop 120(%rdi)\n"           \
          "  push $0x202\n  popfq\n"                                                                                      \
          "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n  ret\n"                            \
          ".cfi_endproc\n.size " #name ", .-" #name "\n" behind ".popsection\n")

SITE(cpuid_alone, "  nop\n  cpuid\n");
SITE(cpuid_moved, "  mov $0x80000001, %eax\n  cpuid\n");
/* Were one of them executed twice, or not at all, r8 would tell. */
SITE_BEFORE(cpuid_run, "  lea 3(%r8), %r8\n  lea -3(%r8), %r8\n  cpuid\n", "  .skip 160, 0xf4\n");
SITE_BEFORE(rdtsc_run, "  lea 3(%r8), %r8\n  lea -3(%r8), %r8\n  rdtsc\n", "  .skip 160, 0xf4\n");
SITE(rdtsc_alone, "  nop\n  rdtsc\n");
SITE(rdtsc_moved, "  mov $0x11223344, %eax\n  rdtsc\n");
SITE(rdtscp_alone, "  nop\n  rdtscp\n");

static volatile sig_atomic_t ticks;
static void on_tick(int signo) {
  (void)signo;
  ticks++;
}

/* Bit r of `changed`: register r is one that the instruction overwrites. */
static void check(void (*site)(struct state *), unsigned changed, uint32_t leaf, uint32_t subleaf, uint64_t *sum) {
  static const uint64_t flags[] = {0x202, 0x8d7, 0x40246, 0xa83};
  for (int i = 0; i < 40; i++) {
    struct state before, after;
    for (int r = 0; r < 17; r++)
      before.r[r] = 0x0123456789abcdefull * (uint64_t)(r + 3 * i + 1);
    before.r[0] = leaf;
    before.r[2] = subleaf;
    before.r[15] = flags[i % 4];
    before.r[5] = (uint64_t)&after;
    after = before;
    site(&after);
    for (int r = 0; r < 17; r++) {
      if (r == 15) {
        CHECK((after.r[r] & 0xcd5) == (before.r[r] & 0xcd5));
      } else if (changed >> r & 1) {
        CHECK(after.r[r] >> 32 == 0);
        *sum = *sum * 31 + after.r[r];
      } else {
        CHECK(r == 5 || after.r[r] == before.r[r]);
      }
    }
  }
}

static uint64_t check_all(uint32_t leaf) {
  uint64_t sum = 0;
  check(cpuid_alone, 0xf, leaf, 0, &sum);
  check(cpuid_alone, 0xf, 4, leaf % 5, &sum);
  check(cpuid_moved, 0xf, 0, 0, &sum);
  check(cpuid_run, 0xf, leaf, 0, &sum);
  check(rdtsc_run, 0x9, 1, 2, &sum);
  check(rdtsc_alone, 0x9, 1, 2, &sum);
  check(rdtsc_moved, 0x9, 1, 2, &sum);
  check(rdtscp_alone, 0xd, 1, 2, &sum);
  struct timespec now;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
  return sum;
}

static void *compute(void *leaf) { return (void *)check_all((uint32_t)(uintptr_t)leaf); }

int main(int argc, char **argv) {
  /* Where several instructions are moved it is for later processes: all is done once more in one of them. */
  int last = argc > 1 && strcmp(argv[1], "last") == 0;
  if (argc > 2 || (argc > 1 && !last)) {
    for (int i = 0; i < (last ? 50 : 1); i++)
      printf("%016llx\n", (unsigned long long)check_all(0));
    if (last) return done();
    fflush(stdout);
    CHECK_SYS(execl("/proc/self/exe", argv[0], "last", "quiet", NULL));
  }
  printf("alone: %016llx\n", (unsigned long long)check_all(0));

  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  struct itimerval fast = {{0, 2000}, {0, 2000}}, none = {{0, 0}, {0, 0}};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  CHECK_SYS(setitimer(ITIMER_REAL, &fast, NULL));
  for (int i = 0; i < 200 || ticks < 5; i++) {
    uint64_t sum = check_all(1);
    MIX(sum);
  }
  CHECK_SYS(setitimer(ITIMER_REAL, &none, NULL));

  pthread_t threads[3];
  for (uintptr_t i = 0; i < 3; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, compute, (void *)(0x80000000 + i)));
  for (int i = 0; i < 3; i++) {
    void *sum;
    CHECK_ZERO(pthread_join(threads[i], &sum));
    MIX(sum);
  }
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    printf("child: %016llx\n", (unsigned long long)check_all(0x80000002));
    _exit(0);
  }
  wait_ok(child);
  printf("again: %016llx\n", (unsigned long long)check_all(7));
  if (last) return done();
  done();
  fflush(stdout);
  CHECK_SYS(execl("/proc/self/exe", argv[0], "last", NULL));
}
