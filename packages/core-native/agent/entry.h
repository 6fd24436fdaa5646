/* What the agent of a recording and that of a replay have in common: how a patched site comes in, and how the program's
 * registers come back. Its includer has included its layout. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

/* Numbers of instructions, as `trap` frames have them; lib/agent.ts has them, too. */
#define TRAP_RDTSC 0
#define TRAP_CPUID 2
/* Bytes of either. */
#define SITE_BYTES 2

#define STR_(x) #x
#define STR(x) STR_(x)
#define BLOCK(field) STR(AGENT_DATA) "+" STR(field)

/* What ASM_ENTER has pushed, from the last on; SAVED_REGS in ../lib/saved-registers.ts is the same list. */
struct saved {
  u64 r15, r14, r13, r12, rbp, rbx, r9, r8, r10, rdx, rsi, rdi, rax, rcx, flags;
};

/* To the agent's stack. Nothing of the program's may change: not its own stack (the red zone is in use), not its flags. */
#define ASM_SWITCH \
  "  mov %rsp, " BLOCK(BLOCK_RSP) "\n" \
  "  mov $" STR(AGENT_STACK_TOP) ", %esp\n"

/* Leaves the program's registers there, but r11, and that place in rdi. */
#define ASM_SAVE \
  "  pushfq\n" \
  "  cld\n" \
  "  push %rcx\n  push %rax\n  push %rdi\n  push %rsi\n  push %rdx\n  push %r10\n  push %r8\n  push %r9\n" \
  "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n" \
  "  mov %rsp, %rdi\n"

/* Calls agent_main and compares its outcome with 1. */
#define ASM_ENTER \
  ASM_SWITCH \
  ASM_SAVE \
  /* 15 words: one more keeps the stack aligned. */ \
  "  sub $8, %rsp\n" \
  "  call agent_main\n" \
  "  add $8, %rsp\n" \
  "  cmp $1, %eax\n"

/* All registers but rax, rcx, flags and rsp. */
#define ASM_RESTORE_MOST \
  "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n" \
  "  pop %r9\n  pop %r8\n  pop %r10\n  pop %rdx\n  pop %rsi\n  pop %rdi\n"

/* All registers but flags and rsp. */
#define ASM_RESTORE \
  ASM_RESTORE_MOST \
  "  pop %rax\n  pop %rcx\n"

/* A site of cpuid or rdtsc comes in, with the address behind it in rdx. Like rdx, rbx of a cpuid and rax of an rdtsc are free:
 * the instruction overwrites them. */
#define ASM_ENTER_TRAP(number) \
  ASM_SWITCH \
  /* Unlike a call, these leave it as it is. */ \
  "  push %r11\n" \
  ASM_SAVE \
  /* With the program's AC the agent's own unaligned reads would fault. */ \
  "  pushfq\n  andl $0xfffbffff, (%rsp)\n  popfq\n" \
  "  mov $" STR(number) ", %esi\n" \
  "  call trap_main\n"

#define ASM_LEAVE_TRAP \
  ASM_RESTORE \
  "  popfq\n" \
  "  pop %r11\n" \
  "  mov " BLOCK(BLOCK_RSP) ", %rsp\n"

/* The tracer is called by a fault, as by the instruction itself: nothing of the registers changes. */
#define ASM_FAULT(label) \
  ASM_LEAVE_TRAP \
  ".globl " #label "\n" \
  #label ":\n" \
  "  clts\n"

#define ASM_RETURN \
  "  mov " BLOCK(BLOCK_RSP) ", %rsp\n" \
  "  jmp *%rcx\n"

/*
 * Back to the program, r11 as the instruction leaves it. Of the flags, arithmetic and `cld` have changed all that have; popfq, which
 * would restore any, takes as long as twenty other instructions. From the addition on, which makes the overflow flag what it was,
 * nothing else touches them.
 */
#define ASM_LEAVE \
  ASM_RESTORE_MOST \
  "  mov 16(%rsp), %r11\n" \
  "  test $0x400, %r11d\n" \
  "  jne 9f\n" \
  "  mov %r11d, %ecx\n" \
  "  mov %r11d, %eax\n" \
  "  shr $11, %eax\n" \
  "  and $1, %eax\n" \
  "  mov %cl, %ah\n" \
  "  add $0x7f, %al\n" \
  "  sahf\n" \
  "  pop %rax\n  pop %rcx\n" \
  ASM_RETURN \
  "9:\n" \
  "  pop %rax\n  pop %rcx\n" \
  "  popfq\n" \
  ASM_RETURN
