/* The agent of a replay: answers system calls inside the replayed process, from a piece of the log that the tracer has
 * put there. README.md tells how it is used. It is entered by a jump from a patched system call site, with all registers
 * as the program set them for the call, except rcx: the address after the `syscall` instruction, and r11. Sites of cpuid
 * and rdtsc come in, too (entry.h).
 *
 * It decides nothing: what is not exactly as the log has it, and whatever else than a plain answer comes next, is the
 * tracer's, who finds the registers as they were before the call. The only calls it makes are those that give the process
 * the memory that it had (again.h). */
#include "replay-layout.h"

#include "entry.h"

struct block {
  const u8* position; /* of the first frame not yet replayed */
  const u8* end;      /* of what is here of the log */
  i64 time;           /* of the frame before `position`, ns */
  u64 frames;         /* replayed since the tracer armed the agent */
  u64 calls;          /* how many of them are calls */
  u64 task;           /* the task whose frames these are */
  u64 armed;          /* 0: every call is the tracer's */
  u64 program_break;
  u64 ret;            /* address after the site's `syscall` */
  u64 rsp;            /* the program's */
};

enum outcome {
  DONE = 0,
  /* The tracer has to see the call. */
  FORWARD = 1,
  /* The call has been answered, and the tracer has to see what comes before the program's next instruction. */
  STOP = 2
};

#define B ((volatile struct block*)(u64)AGENT_DATA)
#define ROWS ((const u8*)(u64)AGENT_ROWS)

/* Frame codes of tracelog's frame table. */
#define CODE_SYSCALL 1
#define CODE_BLOCK 2
#define CODE_MAPPING 3
#define CODE_SPAWN 4
#define CODE_EXEC 6
#define CODE_TRAP 9
#define CODE_SHARED_WRITE 11
#define CODE_OUTPUT 18
#define CODE_OPTIONAL 64
#define CODE_DATA 64
#define TASK_FOLLOWS 0x80
/* Frames towards which a task runs user code; before all others it has to stand still. */
#define RUNS_ON                                                                                                   \
  (1u << CODE_SYSCALL | 1u << CODE_BLOCK | 1u << CODE_MAPPING | 1u << CODE_SPAWN | 1u << CODE_EXEC | 1u << CODE_TRAP | \
   1u << CODE_SHARED_WRITE | 1u << CODE_OUTPUT)

#define MAX_ARGS 6
#define EFAULT 14
#define PAGE 0x1000UL
/* Results that ask for the call to be made once more. */
#define FIRST_RESTART (-516)
#define LAST_RESTART (-512)

__asm__(
    ".section .text.entry, \"ax\", @progbits\n"
    ".globl agent_entry\n"
    "agent_entry:\n"
    ASM_ENTER
    "  je 1f\n"
    "  ja 2f\n"
    ASM_LEAVE
    /* The tracer is called by a `syscall`, which is a stop in a replay and nothing else. All registers are the program's,
     * but for rcx and r11. */
    ".macro ask label\n"
    ASM_RESTORE
    "  popfq\n"
    "  mov " BLOCK(BLOCK_RSP) ", %rsp\n"
    ".globl \\label\n"
    "\\label:\n"
    "  syscall\n"
    "  ud2\n"
    ".endm\n"
    "1: ask agent_forward\n"
    "2: ask agent_stop\n"
    ".globl agent_cpuid\n"
    "agent_cpuid:\n"
    ASM_ENTER_TRAP(TRAP_CPUID)
    "  jmp 3f\n"
    ".globl agent_rdtsc\n"
    "agent_rdtsc:\n"
    ASM_ENTER_TRAP(TRAP_RDTSC)
    "3:\n"
    "  cmp $1, %eax\n"
    "  je 4f\n"
    "  ja 5f\n"
    ASM_LEAVE_TRAP
    "  jmp *" BLOCK(BLOCK_RET) "\n"
    "4:\n"
    ASM_FAULT(agent_trap_left)
    "5:\n"
    ASM_FAULT(agent_trap_done)
    ".section .text.allowed, \"ax\", @progbits\n"
    "agent_call:\n"
    "  syscall\n"
    "  ret\n"
    ".text\n");

/* The next bytes of a frame; `at` beyond `end` if it is broken. */
struct source {
  const u8* at;
  const u8* end;
};

static inline u64 get_uint(struct source* source) {
  const u8* at = source->at;
  const u32 first = *at++;
  if (first < 0x80) {
    source->at = at;
    return first;
  }
  const int follow = first == 0xff ? 8 : __builtin_clz(~(first << 24));
  source->at = at + follow;
  /* What the window has behind the last frame is read, too. */
  const u64 rest = __builtin_bswap64(*(const u64*)at) >> (64 - 8 * follow);
  return follow == 8 ? rest : (u64)(first & (0x7f >> follow)) << 8 * follow | rest;
}

static inline i64 get_int(struct source* source) {
  const u64 value = get_uint(source);
  return (i64)(value >> 1) ^ -(i64)(value & 1);
}

/* What every frame begins with. */
struct head {
  u32 code;
  u64 task;
  i64 time;
  struct source body;
};

/* Reads a frame's head. False if not all of it is here; the frame itself may still go on beyond what is here. */
static inline int get_head(struct head* head, const u8* at, const u8* end, u64 task, i64 time) {
  if (at >= end) return 0;
  struct source source = {at + 1, end};
  const u64 length = get_uint(&source);
  const u64 room = (u64)(end - source.at);
  if (source.at > end) return 0;
  head->code = *at & ~TASK_FOLLOWS;
  head->body.end = length > room ? end + 1 : source.at + length;
  head->task = *at & TASK_FOLLOWS ? get_uint(&source) : task;
  head->time = time + get_int(&source);
  head->body.at = source.at;
  return source.at <= end;
}

/* The same of a frame of the task's own, all of which has to be here. Moves `at` and `time` on. */
static inline int get_whole(struct head* head, const u8** at, i64* time) {
  if (!get_head(head, *at, B->end, B->task, *time)) return 0;
  *at = head->body.end;
  *time = head->time;
  return head->task == B->task && *at <= B->end;
}

static inline void copy(u8* to, const u8* from, u64 length) {
  if (length == 16) {
    ((volatile u64*)to)[0] = ((const u64*)from)[0];
    ((volatile u64*)to)[1] = ((const u64*)from)[1];
  } else if (length <= 16)
    for (u64 i = 0; i < length; i++) ((volatile u8*)to)[i] = from[i];
  else
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

static inline int differs(const u8* one, const u8* other, u64 length) {
  while (length >= 8) {
    if (*(const u64*)one != *(const u64*)other) return 1;
    one += 8;
    other += 8;
    length -= 8;
  }
  while (length-- > 0)
    if (*one++ != *other++) return 1;
  return 0;
}

/* True if a task may run user code towards the frame at `at`. */
static inline int runs_on(const u8* at, const u8* end, u64 task, i64 time) {
  for (;;) {
    struct head head;
    if (!get_head(&head, at, end, task, time) || head.task != task) return 0;
    if (head.code < CODE_OPTIONAL) return head.code < 32 && (RUNS_ON >> head.code & 1);
    if (head.code == CODE_DATA) return 1;
    if (head.body.end > end) return 0;
    at = head.body.end;
    time = head.time;
  }
}

#include "again.h"

static inline int forward(void) {
  B->armed = 0;
  return FORWARD;
}

/* Frames up to `at`, the last of which is of `time`, have been replayed. */
static inline int pass(const u8* at, i64 time, u64 frames) {
  B->position = at;
  B->time = time;
  B->frames = B->frames + frames;
  if (runs_on(at, B->end, B->task, time)) return DONE;
  B->armed = 0;
  return STOP;
}

int agent_main(struct saved* saved) {
  B->ret = saved->rcx;
  const u32 nr = (u32)saved->rax;
  if (!B->armed) return FORWARD;
  if (nr >= AGENT_ROW_COUNT || !(ROWS[nr] & ROW_ANSWERED)) return forward();
  const u64 args[MAX_ARGS] = {saved->rdi, saved->rsi, saved->rdx, saved->r10, saved->r8, saved->r9};
  const u8* at = B->position;
  i64 time = B->time;
  u64 frames = 1;
  struct head head;
  struct source mapping = {0, 0};
  for (;; frames++) {
    if (!get_whole(&head, &at, &time)) return forward();
    if (head.code == CODE_SYSCALL) break;
    if (head.code == CODE_MAPPING && nr == NR_MMAP && !mapping.at) {
      mapping = head.body;
      continue;
    }
    if (head.code < CODE_OPTIONAL) return forward();
    if (head.code != CODE_DATA) continue;
    const u64 arg = (u64)get_int(&head.body);
    get_uint(&head.body);
    const u64 length = get_uint(&head.body);
    if (head.body.at > at || length > (u64)(at - head.body.at)) return forward();
    if (arg < MAX_ARGS && (ROWS[nr] >> arg & 1) && differs((const u8*)args[arg], head.body.at, length))
      return forward();
  }
  struct source body = head.body;
  if (get_int(&body) != (i64)nr) return forward();
  const u64 count = get_uint(&body);
  if (count > MAX_ARGS) return forward();
  for (u64 i = 0; i < count; i++)
    if ((u64)get_int(&body) != args[i]) return forward();
  const i64 result = get_int(&body);
  if (result >= FIRST_RESTART && result <= LAST_RESTART) return forward();
  /* Part of its buffer cannot be written to. */
  if (result == -EFAULT) return forward();
  if ((ROWS[nr] & ROW_MADE) && !make_again(nr, args, result, mapping, body)) return forward();
  for (u64 writes = get_uint(&body); writes > 0; writes--) {
    if (body.at >= body.end) return forward();
    u8* to = (u8*)get_uint(&body);
    const u64 length = get_uint(&body);
    if (body.at > body.end || length > (u64)(body.end - body.at)) return forward();
    copy(to, body.at, length);
    body.at += length;
  }
  if (body.at > body.end) return forward();

  /* From here on the call has been made. */
  saved->rax = (u64)result;
  B->calls = B->calls + 1;
  return pass(at, time, frames);
}

/* cpuid or rdtsc: as agent_main, with the address behind the instruction in rdx. */
int trap_main(struct saved* saved, u32 trap) {
  const u64 ret = saved->rdx;
  B->ret = ret;
  if (!B->armed) return FORWARD;
  const u8* at = B->position;
  i64 time = B->time;
  u64 frames = 1;
  struct head head;
  for (;; frames++) {
    if (!get_whole(&head, &at, &time)) return forward();
    if (head.code == CODE_TRAP) break;
    /* Data are those of a call. */
    if (head.code < CODE_OPTIONAL || head.code == CODE_DATA) return forward();
  }
  struct source body = head.body;
  if (get_uint(&body) != trap || get_uint(&body) != ret - SITE_BYTES) return forward();
  u64 values[4];
  for (int i = 0; i < 4; i++) values[i] = (u64)get_int(&body);
  if (body.at > body.end) return forward();
  saved->rax = values[0];
  saved->rdx = values[3];
  if (trap == TRAP_CPUID) {
    saved->rbx = values[1];
    saved->rcx = values[2];
  }
  return pass(at, time, frames);
}
