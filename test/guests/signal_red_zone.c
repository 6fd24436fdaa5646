/* The 128 bytes below the stack pointer belong to the function: neither a syscall nor a handler may change them. */
#include "guest_tasks.h"

/* Fills its red zone from `pattern`, makes one syscall, copies the red zone to `out`. Returns the syscall's result. */
long red_zone(const uint64_t *pattern, uint64_t *out, long number, long a, long b, long c);

__asm__(".text\n"
        ".globl red_zone\n"
        ".type red_zone, @function\n"
        "red_zone:\n"
        "  movq $-128, %rax\n"
        "1: movq 128(%rdi,%rax), %r10\n"
        "  movq %r10, (%rsp,%rax)\n"
        "  addq $8, %rax\n"
        "  jne 1b\n"
        "  movq %rdx, %rax\n"
        "  movq %rsi, %r10\n"
        "  movq %rcx, %rdi\n"
        "  movq %r8, %rsi\n"
        "  movq %r9, %rdx\n"
        "  movq %r10, %r9\n"
        "  syscall\n"
        "  movq $-128, %rcx\n"
        "2: movq (%rsp,%rcx), %r10\n"
        "  movq %r10, 128(%r9,%rcx)\n"
        "  addq $8, %rcx\n"
        "  jne 2b\n"
        "  ret\n"
        ".size red_zone, . - red_zone\n");

static volatile sig_atomic_t handled;

static void on_signal(int signal, siginfo_t *info, void *context) {
  volatile char frame[4096];
  (void)signal, (void)info, (void)context;
  memset((char *)frame, 0xee, sizeof(frame));
  handled++;
}

static void check(const char *what, long number, long a, long b, long c, long expected) {
  uint64_t pattern[16], out[16];
  for (int i = 0; i < 16; i++)
    pattern[i] = 0x0123456789abcdef * (i + 1) ^ now_us();
  memset(out, 0, sizeof(out));
  CHECK(red_zone(pattern, out, number, a, b, c) == expected);
  for (int i = 0; i < 16; i++)
    if (out[i] != pattern[i]) {
      fprintf(stderr, "%s changed the word %d below the stack pointer to %lx\n", what, 128 - 8 * i, (long)out[i]);
      exit(1);
    }
  mix(out, sizeof(out));
}

static void *yields(void *arg) {
  for (int i = 0; i < 100; i++)
    check("sched_yield", SYS_sched_yield, 0, 0, 0, 0);
  return arg;
}

int main(void) {
  handle(SIGUSR1, on_signal, 0);
  for (int i = 0; i < 50; i++) {
    check("getpid", SYS_getpid, 0, 0, 0, getpid());
    check("an unknown call", 9999, 0, 0, 0, -ENOSYS);
    check("close", SYS_close, -1, 0, 0, -EBADF);
    check("tgkill", SYS_tgkill, getpid(), gettid(), SIGUSR1, 0);
    CHECK(handled == i + 1);
  }
  handle(SIGALRM, on_signal, SA_RESTART);
  ualarm(500, 500);
  while (handled < 60) {
    check("a timer", SYS_sched_yield, 0, 0, 0, 0);
    check("getppid", SYS_getppid, 0, 0, 0, getppid());
  }
  ualarm(0, 0);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) {
    CHECK_ZERO(pthread_create(&threads[i], NULL, yields, NULL));
    CHECK_ZERO(pthread_join(threads[i], NULL));
  }
  return done();
}
