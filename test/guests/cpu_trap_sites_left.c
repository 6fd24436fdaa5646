/* cpuid and rdtsc where sites lead to the agent, and the program runs without it: since it shares descriptors with another process. */
#include "guest_tasks.h"

#define ROUNDS 40
/* A function of one instruction, which can be moved, and the one that traps. */
#define SITE(name, instruction)                                                                                        \
  uint64_t name(void);                                                                                                 \
  __asm__(".pushsection .text\n.globl " #name "\n.type " #name ", @function\n.p2align 4\n" #name ":\n"                 \
          ".cfi_startproc\n  push %rbx\n  xor %ecx, %ecx\n  mov $0, %eax\n  " instruction                              \
          "\n  mov %eax, %eax\n  shl $32, %rdx\n  or %rdx, %rax\n  pop %rbx\n  ret\n"                                   \
          ".cfi_endproc\n.size " #name ", .-" #name "\n  .skip 32, 0xcc\n.popsection\n")

SITE(ask_cpuid, "cpuid");
SITE(ask_rdtsc, "rdtsc");

static void ask(void) {
  const uint64_t cpu = ask_cpuid();
  uint64_t last = 0;
  for (int i = 0; i < ROUNDS; i++) {
    CHECK(ask_cpuid() == cpu);
    uint64_t now = ask_rdtsc();
    CHECK(now > last);
    last = now;
    CHECK(getppid() > 0);
  }
}

int main(void) {
  ask();
  pid_t pid = CHECK_SYS(raw_syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0, 0));
  if (pid == 0) {
    ask();
    _exit(0);
  }
  ask();
  wait_ok(pid);
  return done();
}
