/* What a syscall leaves in the registers: everything but rax, rcx and r11, and those two are the return address and
 * flags. */
#include "guest_tasks.h"

#include <stddef.h>

struct registers {
  uint64_t rbx, rdi, rsi, rdx, r8, r9, r10, r12, r13, r14, r15, rcx, r11, address, rsp_before, rsp_after;
};

/* Loads registers from `in`, makes the syscall, stores all of them to `out`; rbp holds `out` meanwhile. */
long all_registers(long number, const struct registers *in, struct registers *out);

__asm__(".text\n"
        ".globl all_registers\n"
        ".type all_registers, @function\n"
        "all_registers:\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rdx, %rbp\n"
        "  mov %rdi, %rax\n"
        "  mov %rsi, %rcx\n"
        "  mov 0(%rcx), %rbx\n  mov 8(%rcx), %rdi\n  mov 16(%rcx), %rsi\n  mov 24(%rcx), %rdx\n"
        "  mov 32(%rcx), %r8\n  mov 40(%rcx), %r9\n  mov 48(%rcx), %r10\n  mov 56(%rcx), %r12\n"
        "  mov 64(%rcx), %r13\n  mov 72(%rcx), %r14\n  mov 80(%rcx), %r15\n"
        "  mov %rsp, 112(%rbp)\n"
        "  std\n  stc\n"
        "  syscall\n"
        "1:\n"
        "  cld\n"
        "  mov %rsp, 120(%rbp)\n"
        "  mov %rbx, 0(%rbp)\n  mov %rdi, 8(%rbp)\n  mov %rsi, 16(%rbp)\n  mov %rdx, 24(%rbp)\n"
        "  mov %r8, 32(%rbp)\n  mov %r9, 40(%rbp)\n  mov %r10, 48(%rbp)\n  mov %r12, 56(%rbp)\n"
        "  mov %r13, 64(%rbp)\n  mov %r14, 72(%rbp)\n  mov %r15, 80(%rbp)\n  mov %rcx, 88(%rbp)\n"
        "  mov %r11, 96(%rbp)\n"
        "  lea 1b(%rip), %rcx\n"
        "  mov %rcx, 104(%rbp)\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  ret\n"
        ".size all_registers, . - all_registers\n");

static volatile sig_atomic_t handled;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
  handled++;
}

static void check(const char *what, long number, long a, long b, long c, long expected) {
  struct registers in, out;
  memset(&out, 0, sizeof(out));
  uint64_t *words = (uint64_t *)&in;
  for (size_t i = 0; i < sizeof(in) / 8; i++)
    words[i] = 0x9e3779b97f4a7c15 * (i + 1) ^ now_us();
  in.rdi = a;
  in.rsi = b;
  in.rdx = c;
  long result = all_registers(number, &in, &out);
  if (result != expected || memcmp(&in, &out, offsetof(struct registers, rcx)) != 0)
    fprintf(stderr, "%s: result %ld, rbx %lx r8 %lx r9 %lx r10 %lx\n", what, result, out.rbx, out.r8, out.r9, out.r10);
  CHECK(result == expected);
  CHECK(memcmp(&in, &out, offsetof(struct registers, rcx)) == 0);
  CHECK(out.rcx == out.address);
  /* Carry, direction and interrupt flag were set. */
  CHECK((out.r11 & 0x601) == 0x601);
  CHECK(out.rsp_before == out.rsp_after);
  mix(&out, sizeof(out));
  printf("%s: rcx %lx r11 %lx\n", what, out.rcx, out.r11);
}

int main(void) {
  handle(SIGUSR1, on_signal, 0);
  int fds[2];
  CHECK_SYS(pipe(fds));
  CHECK(write(fds[1], "12345", 5) == 5);
  char bytes[8];
  struct timespec time = {0, 1000};
  check("getpid", SYS_getpid, 7, 8, 9, getpid());
  check("read", SYS_read, fds[0], (long)bytes, 5, 5);
  check("write", SYS_write, fds[1], (long)bytes, 3, 3);
  check("close", SYS_close, 12345, 0, 0, -EBADF);
  check("sched_yield", SYS_sched_yield, -1, -2, -3, 0);
  check("nanosleep", SYS_nanosleep, (long)&time, 0, 0, 0);
  check("clock_gettime", SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0);
  check("brk", SYS_brk, 0, 0, 0, (long)sbrk(0));
  check("unknown", 9999, 1, 2, 3, -ENOSYS);
  check("signal to itself", SYS_tgkill, getpid(), gettid(), SIGUSR1, 0);
  CHECK(handled == 1);
  return done();
}
