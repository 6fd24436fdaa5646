/*
 * Registers across system calls: all but rax, rcx and r11 survive, and so do the flags, the direction flag among
 * them.
 */
#include "guest.h"

#include <sys/syscall.h>

struct registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
};

/* Loads every register but rsp from `in`, makes the system call and stores them to `out`. */
__attribute__((naked, noinline)) static void call(const struct registers *in, struct registers *out) {
  (void)in, (void)out;
  __asm__("pushfq; push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
          "push %rsi\n"
          "pushq 120(%rdi); popfq\n"
          "mov 0(%rdi), %rax; mov 8(%rdi), %rbx; mov 24(%rdi), %rdx; mov 32(%rdi), %rsi\n"
          "mov 48(%rdi), %rbp; mov 56(%rdi), %r8; mov 64(%rdi), %r9; mov 72(%rdi), %r10; mov 88(%rdi), %r12\n"
          "mov 96(%rdi), %r13; mov 104(%rdi), %r14; mov 112(%rdi), %r15; mov 40(%rdi), %rdi\n"
          "syscall\n"
          /* For the pointer that was pushed; xchg changes no flag. */
          "xchg (%rsp), %rdi\n"
          "mov %rax, 0(%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi); mov %rdx, 24(%rdi); mov %rsi, 32(%rdi)\n"
          "mov %rbp, 48(%rdi); mov %r8, 56(%rdi); mov %r9, 64(%rdi); mov %r10, 72(%rdi); mov %r11, 80(%rdi)\n"
          "mov %r12, 88(%rdi); mov %r13, 96(%rdi); mov %r14, 104(%rdi); mov %r15, 112(%rdi)\n"
          "pushfq; popq 120(%rdi)\n"
          "popq 40(%rdi)\n"
          "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
          /* The caller's flags: C code must not run with the direction or the alignment check flag set. */
          "popfq; ret");
}

int main(void) {
  static uint64_t buffer[64];
  static const long numbers[] = {SYS_getpid, SYS_sched_yield, SYS_clock_gettime, SYS_uname, SYS_brk, SYS_close,
                                 SYS_getppid, SYS_write, SYS_rt_sigprocmask, SYS_gettid, 1000};
  for (int turn = 0; turn < 5; turn++)
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
      struct registers in, out;
      for (size_t word = 0; word < sizeof(in) / 8; word++)
        ((uint64_t *)&in)[word] = 0x0101010101010101u * (word + i + 1);
      in.rax = (uint64_t)numbers[i];
      in.rdi = in.rsi = in.rdx = 0;
      in.r10 = 8;
      if (numbers[i] == SYS_clock_gettime)
        in.rsi = (uintptr_t)buffer;
      if (numbers[i] == SYS_uname)
        in.rdi = (uintptr_t)buffer;
      if (numbers[i] == SYS_close)
        in.rdi = (uint64_t)-1;
      if (numbers[i] == SYS_write)
        in.rdi = STDOUT_FILENO;
      /* Carry, parity, zero, sign, direction, overflow: some on, some off. */
      in.flags = 0x202 | (turn & 1 ? 0x0cd5 : 0x0400) | (turn == 3 ? 0x40000 : 0);
      call(&in, &out);
      CHECK(out.rbx == in.rbx && out.rdx == in.rdx && out.rsi == in.rsi && out.rdi == in.rdi && out.rbp == in.rbp);
      CHECK(out.r8 == in.r8 && out.r9 == in.r9 && out.r10 == in.r10 && out.r12 == in.r12 && out.r13 == in.r13);
      CHECK(out.r14 == in.r14 && out.r15 == in.r15 && out.flags == in.flags);
      MIX(out.rax);
      MIX(buffer);
      if (turn == 4)
        printf("call %ld: %lld\n", numbers[i], (long long)out.rax);
    }
  return done();
}
