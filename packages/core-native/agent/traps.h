/* rdtsc and cpuid: sites of theirs are patched as those of calls are. A part of agent.c, which includes it. */

#define CODE_TRAP 9

struct answer {
  u32 leaf, subleaf, values[4]; /* eax, ebx, ecx, edx */
};

/* From the tracer: cpuid is never asked here, as its answers depend on the CPU, and may trap. */
struct answers {
  u64 count;
  struct answer known[ANSWERS_MAX];
};

#define A ((const volatile struct answers*)(u64)AGENT_ANSWERS)

__asm__(
    ".section .text.entry, \"ax\", @progbits\n"
    ".globl agent_cpuid\n"
    "agent_cpuid:\n"
    ASM_ENTER_TRAP(TRAP_CPUID)
    "  jmp 1f\n"
    ".globl agent_rdtsc\n"
    "agent_rdtsc:\n"
    ASM_ENTER_TRAP(TRAP_RDTSC)
    "1:\n"
    "  test %eax, %eax\n"
    "  jne 2f\n"
    "  testl $" STR(HALT_SIGNAL) ", " BLOCK(BLOCK_HALT) "\n"
    "  jne 3f\n"
    ASM_LEAVE_TRAP
    "  jmp *" BLOCK(BLOCK_RET) "\n"
    /* It is the tracer's. */
    "2:\n"
    ASM_FAULT(agent_trap_left)
    /* It is done, and a signal waits. */
    "3:\n"
    ASM_FAULT(agent_trap_done)
    ".text\n");

static const volatile struct answer* answer_to(u32 leaf, u32 subleaf) {
  const u64 count = A->count;
  for (u64 i = 0; i < count; i++)
    if (A->known[i].leaf == leaf && A->known[i].subleaf == subleaf) return &A->known[i];
  return 0;
}

/* Answers the instruction and records that; FORWARD leaves it to the tracer. */
int trap_main(struct saved* saved, u32 trap) {
  const u64 ret = saved->rdx;
  B->ret = ret;
  B->trap = trap;
  if (B->halt || B->head + FRAME_ROOM > AGENT_RING_SIZE) return FORWARD;
  const i64 last = B->time;
  u32 values[4] = {0, 0, 0, 0};
  if (trap == TRAP_CPUID) {
    const volatile struct answer* answer = answer_to((u32)saved->rax, (u32)saved->rcx);
    if (answer == 0) return FORWARD;
    for (int i = 0; i < 4; i++) values[i] = answer->values[i];
  } else if (!B->precise) {
    return FORWARD;
  }
  const i64 at = now(last);
  if (trap == TRAP_RDTSC) __asm__ volatile("rdtsc" : "=a"(values[0]), "=d"(values[3]));

  u8* const start = RING + B->head;
  /* The length of the body comes before it. */
  u8* end = put_int(start + 2, at - last);
  *end++ = (u8)trap;
  end = put_uint(end, ret - SITE_BYTES);
  for (int i = 0; i < 4; i++) end = put_int(end, (i64)values[i]);
  start[0] = CODE_TRAP;
  start[1] = (u8)(end - start - 2);
  saved->rax = values[0];
  saved->rdx = values[3];
  if (trap == TRAP_CPUID) {
    saved->rbx = values[1];
    saved->rcx = values[2];
  }
  commit(end, 1, 0, 0, at);
  return DONE;
}
