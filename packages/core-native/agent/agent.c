/* The agent: makes and records the common system calls inside the recorded process. README.md has the rules this code
 * obeys. It is entered by a jump from a patched system call site (or put there by the tracer), with all registers as the
 * program set them for the call, except rcx: the address after the `syscall` instruction. */
#include "layout.h"
#include "table.h"

#include "entry.h"

struct block {
  u64 head;     /* bytes of frames in the ring */
  u64 frames;   /* how many frames these are */
  u64 calls;    /* how many of them are calls */
  u64 changes;  /* descriptors opened or closed; above BLOCK_CHANGED_MAX only that there were more */
  i64 time;     /* of the last frame, CLOCK_MONOTONIC, ns */
  u64 ret;      /* address after the site's `syscall` */
  i64 nr;       /* of the call under way */
  i64 result;   /* of the call under way */
  u64 rsp;      /* the program's */
  u32 halt;
  u32 stage;    /* 1 once the call under way has been made */
  u32 details;
  u32 writing;  /* odd while the words above change */
  u64 clock;    /* the vDSO's clock_gettime, 0 if there is none */
  int changed[BLOCK_CHANGED_MAX];
  u32 shared; /* others of the domain may have to run before a call that waits can end */
  u32 luck;   /* decides who goes first when somebody was woken */
};

/* What agent_main wants to happen. */
enum outcome { DONE = 0, FORWARD = 1, TAKE = 2 };

#define B ((volatile struct block*)(u64)AGENT_DATA)
#define FDS ((volatile u8*)(u64)AGENT_FDS)
#define RING ((u8*)(u64)AGENT_RING)

/* agent_call did not make the call: it has been asked to stop before. */
#define ABORTED (-100000)
#define EFAULT 14
#define EINTR 4
#define MAX_ERRNO 4095
#define CLOCK_MONOTONIC_COARSE 6
#define F_DUPFD 0
#define F_SETFL 4
#define F_DUPFD_CLOEXEC 1030
#define FUTEX_COMMAND 0x7f
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
/* Of so many wake-ups and one, one is the tracer's. */
#define WOKEN_SELDOM 3

/* Bytes of the longest directory entry. */
#define MAX_ENTRY 280
#define CODE_SYSCALL 1
#define CODE_DATA 64
#define DATA_LIMIT 256
#define STRING_LIMIT 4096
/* More than the head, the arguments and the result of a frame ever take, bytes. */
#define FRAME_ROOM 160
/* Room for the strings and data of one call, bytes. */
#define READS_ROOM (2 * (STRING_LIMIT + 64) + 2 * (DATA_LIMIT + 64))
#define TOO_LONG (~0UL)
#define MAX_BYTES (1UL << 40)

/* From a C function's (nr, args) to a call's registers. */
#define ASM_LOAD_ARGS \
  "  mov %rdi, %rax\n" \
  "  mov %rsi, %rcx\n" \
  "  mov (%rcx), %rdi\n" \
  "  mov 8(%rcx), %rsi\n" \
  "  mov 16(%rcx), %rdx\n" \
  "  mov 24(%rcx), %r10\n" \
  "  mov 32(%rcx), %r8\n" \
  "  mov 40(%rcx), %r9\n"

i64 agent_call(i64 nr, const u64* args);
i64 agent_try(i64 nr, const u64* args);

__asm__(
    ".section .text.entry, \"ax\", @progbits\n"
    ".globl agent_entry\n"
    "agent_entry:\n"
    ASM_ENTER
    "  je 1f\n"
    "  ja 2f\n"
    "  testl $" STR(HALT_SIGNAL) ", " BLOCK(BLOCK_HALT) "\n"
    "  jne 3f\n"
    /* From here to agent_tail_end a signal is too late to be seen: the tracer steps the task out. */
    ".globl agent_tail\n"
    "agent_tail:\n"
    ASM_LEAVE
    ".globl agent_tail_end\n"
    "agent_tail_end:\n"
    /* Three places from which the tracer is called, told apart by where they are: a `syscall` outside the range that
     * dispatch lets through. All registers are the program's, but for rcx and r11. */
    ".macro ask label\n"
    ASM_RESTORE
    "  popfq\n"
    "  mov " BLOCK(BLOCK_RSP) ", %rsp\n"
    "  syscall\n"
    ".globl \\label\n"
    "\\label:\n"
    "  ud2\n"
    ".endm\n"
    "1: ask agent_forward_end\n"
    "2: ask agent_take_end\n"
    "3: ask agent_exit_end\n"
    ".section .text.allowed, \"ax\", @progbits\n"
    ".globl agent_call\n"
    "agent_call:\n"
    ASM_LOAD_ARGS
    ".globl agent_window\n"
    "agent_window:\n"
    "  cmpl $0, " BLOCK(BLOCK_HALT) "\n"
    "  jne agent_aborted\n"
    ".globl agent_insn\n"
    "agent_insn:\n"
    "  syscall\n"
    "  ret\n"
    ".globl agent_aborted\n"
    "agent_aborted:\n"
    "  mov $" STR(ABORTED) ", %rax\n"
    "  ret\n"
    /* For calls that do not wait and need not be the program's own: interrupted ones are just made again. */
    ".globl agent_try\n"
    "agent_try:\n"
    ASM_LOAD_ARGS
    "  cmpl $0, " BLOCK(BLOCK_HALT) "\n"
    "  jne agent_aborted\n"
    "  syscall\n"
    "  ret\n"
    /* The tracer sends a task through here for a call that it follows itself. */
    ".globl agent_pass\n"
    "agent_pass:\n"
    "  syscall\n"
    ".globl agent_pass_end\n"
    "agent_pass_end:\n"
    "  ud2\n"
    ".text\n");

static inline u8* put_uint(u8* at, u64 value) {
  if (value < 0x80) {
    *at = (u8)value;
    return at + 1;
  }
  int follow = 1;
  while (follow < 8 && value >> (7 * (follow + 1))) follow++;
  if (follow < 8)
    *at++ = (u8)(((0xff00u >> follow) & 0xff) | (value >> (8 * follow)));
  else
    *at++ = 0xff;
  for (int i = follow - 1; i >= 0; i--) *at++ = (u8)(value >> (8 * i));
  return at;
}

static inline u8* put_int(u8* at, i64 value) { return put_uint(at, ((u64)value << 1) ^ (u64)(value >> 63)); }

static inline int uint_length(u64 value) {
  int length = 1;
  while (length < 9 && value >> (7 * length)) length++;
  return length;
}

static inline void copy(u8* to, const u8* from, u64 length) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

static inline u8* put_bytes(u8* at, u64 addr, u64 length) {
  at = put_uint(at, length);
  if (length <= 16)
    for (u64 i = 0; i < length; i++) at[i] = ((const u8*)addr)[i];
  else
    copy(at, (const u8*)addr, length);
  return at + length;
}

/* Nanoseconds by the coarse clock: reading it traps nowhere. */
static i64 now(i64 last) {
  i64 time[2] = {0, 0};
  int (*clock)(int, i64*) = (int (*)(int, i64*))B->clock;
  if (clock == 0 || clock(CLOCK_MONOTONIC_COARSE, time) != 0) return last;
  const i64 ns = time[0] * 1000000000 + time[1];
  return ns > last ? ns : last;
}

static inline u64 argument(const u64* args, const struct agent_step* step) {
  const u64 value = args[step->a];
  switch (step->measure) {
    case MEASURE_INT:
      return (int)value < 0 ? 0 : (u32)value;
    case MEASURE_UINT:
      return (u32)value;
    default:
      return value;
  }
}

/* Bytes that a step is about, before the call (`result` -1) or after it; TOO_LONG if that is out of all bounds. */
static u64 measure(const struct agent_step* step, const u64* args, i64 result) {
  u64 value;
  switch (step->measure) {
    case MEASURE_CONST:
      return step->a_const;
    case MEASURE_RESULT:
      value = result < 0 ? 0 : (u64)result;
      break;
    case MEASURE_RESULT_UP_TO:
      value = args[step->a];
      if (result >= 0 && (u64)result < value) value = (u64)result;
      break;
    default:
      value = argument(args, step) + (u64)(i64)step->plus;
      if ((i64)value < 0) return 0;
      if (step->per > 1) value = (value + step->per - 1) / step->per;
  }
  if (value > MAX_BYTES) return TOO_LONG;
  return value * step->times;
}

static void changed(int fd) {
  const u64 count = B->changes;
  if (count < BLOCK_CHANGED_MAX) B->changed[count] = fd;
  B->changes = count + 1;
}

static u64 string_length(u64 addr) {
  const char* text = (const char*)addr;
  u64 length = 0;
  while (length < STRING_LIMIT && text[length]) length++;
  return length;
}

/* A `data` frame. */
static u8* put_data(u8* at, i64 delta, int arg, u64 size, u64 addr, u64 length) {
  u8 head[32];
  u8* end = put_int(head, delta);
  end = put_int(end, arg);
  end = put_uint(end, size);
  const u64 fixed = (u64)(end - head);
  *at++ = CODE_DATA;
  at = put_uint(at, fixed + (u64)uint_length(length) + length);
  for (u64 i = 0; i < fixed; i++) *at++ = head[i];
  return put_bytes(at, addr, length);
}

/* Makes what was written from the ring's head on count. Whoever looks while `writing` is odd looks again. */
static void commit(const u8* at, u64 frames, u64 calls, i64 time) {
  B->writing = B->writing + 1;
  B->time = time;
  B->calls = B->calls + calls;
  B->frames = B->frames + frames;
  B->head = (u64)(at - RING);
  B->writing = B->writing + 1;
}

#include "waiting.h"

static int may_read(u32 fd) { return fd < AGENT_FD_COUNT && (FDS[fd] & FD_READ); }

int agent_main(struct saved* saved) {
  const u64 nr = saved->rax;
  B->ret = saved->rcx;
  B->nr = (i64)nr;
  B->stage = 0;
  if (nr >= AGENT_ROWS || B->halt) return FORWARD;
  if (agent_index[nr] == 0) return FORWARD;
  const struct agent_row* row = &agent_rows[agent_index[nr] - 1];
  const u64 args[6] = {saved->rdi, saved->rsi, saved->rdx, saved->r10, saved->r8, saved->r9};
  if (row->fd_arg != NO_ARG) {
    const u32 fd = (u32)args[row->fd_arg];
    if (fd >= AGENT_FD_COUNT || (FDS[fd] & row->fd_need) != row->fd_need) return FORWARD;
  }
  if (row->null_arg != NO_ARG && args[row->null_arg] != 0) return FORWARD;
  int duplicates = 0;
  int wakes = 0;
  if (row->check != CHECK_NONE) {
    if (row->check == CHECK_OPEN) {
      /* Files opened to be written are followed by the tracer; /proc shows things that it makes up. */
      if (args[row->check_arg] & OPEN_FOLLOWED) return FORWARD;
      const char* path = (const char*)args[row->check_arg - 1];
      if (path[0] == '/' && path[1] == 'p' && path[2] == 'r' && path[3] == 'o' && path[4] == 'c') return FORWARD;
      if (row->check_arg == 2 && path[0] != '/' && (int)args[0] >= 0 && !may_read((u32)args[0])) return FORWARD;
    } else if (row->check == CHECK_FCNTL) {
      const u32 command = (u32)args[1];
      if (command > F_SETFL && command != F_DUPFD_CLOEXEC) return FORWARD;
      duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
      if (command == F_SETFL && (u32)args[0] < AGENT_FD_COUNT) FDS[args[0]] &= (u8)~FD_PROMPT;
    } else if (row->check == CHECK_FUTEX) {
      const u32 command = (u32)args[1] & FUTEX_COMMAND;
      wakes = command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET;
      if (!wakes) {
        if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) return FORWARD;
        if (*(volatile u32*)args[0] == (u32)args[2]) return FORWARD;
      }
    } else {
      duplicates = 1;
    }
  }

  /* What the kernel will read is written down first: it may store its answer in the same place. */
  const u64 head = B->head;
  const u32 details = B->details;
  const i64 last = B->time;
  const i64 before = now(last);
  i64 delta = before - last;
  u8* at = RING + head;
  u64 frames = 0;
  if (row->reads && !wakes && (details & (DETAIL_STRINGS | DETAIL_DATA))) {
    if (head + READS_ROOM > AGENT_RING_SIZE) return FORWARD;
    for (u32 i = 0; i < row->steps; i++) {
      const struct agent_step* step = &row->step[i];
      const u64 addr = args[step->arg];
      if (step->op == OP_OUT || (i64)addr <= 0) continue;
      u64 size, length;
      if (step->op == OP_STRING) {
        if (!(details & DETAIL_STRINGS)) continue;
        size = length = string_length(addr);
        /* An empty string is told from memory that is not there by looking, which faults. */
      } else {
        if (!(details & DETAIL_DATA)) continue;
        size = measure(step, args, -1);
        if (size == 0) continue;
        if (size == TOO_LONG) return FORWARD;
        length = size > DATA_LIMIT ? DATA_LIMIT : size;
      }
      at = put_data(at, delta, step->arg, size, addr, length);
      delta = 0;
      frames++;
    }
  }

  i64 result = 0;
  const enum way way = B->shared ? way_of(row, (i64)nr, args, &result) : MAKE;
  if (way == LEAVE) return FORWARD;
  if (row->closes) {
    const u32 fd = (u32)args[0];
    FDS[fd] = 0;
    changed((int)fd);
  }
  if (way == MAKE) result = agent_call((i64)nr, args);
  if (result == ABORTED) return FORWARD;
  B->result = result;
  B->stage = 1;
  saved->rax = (u64)result;
  const int failed = result < 0 && result >= -MAX_ERRNO;
  if (!failed && (row->opens || duplicates)) {
    changed((int)result);
    if ((u64)result < AGENT_FD_COUNT)
      FDS[result] = row->opens ? FD_READ : (u32)args[0] < AGENT_FD_COUNT ? FDS[args[0]] : 0;
  }
  if (row->probe && result > 0) {
    /* A hole behind what was stored may have stopped the kernel in the middle of an entry: this falls into it. */
    u64 end = (u64)result + MAX_ENTRY;
    if (end > args[2]) end = args[2];
    (void)*(volatile const u8*)(args[1] + end - 1);
  }
  int take = failed && (result == -EINTR || result == -EFAULT || row->fails);
  if (wakes && result > 0 && B->shared) {
    /* Now and then the tracer lets the woken task go first. */
    const u32 luck = B->luck * 1103515245 + 12345;
    B->luck = luck;
    if ((luck >> 16 & WOKEN_SELDOM) == 0) take = 1;
  }

  u64 sizes[MAX_STEPS];
  u32 writes = 0;
  u64 body = 0;
  for (u32 i = 0; i < row->steps && !take; i++) {
    const struct agent_step* step = &row->step[i];
    sizes[i] = 0;
    const u64 addr = args[step->arg];
    if (step->op != OP_OUT || addr == 0 || failed || (step->positive && result <= 0)) continue;
    const u64 size = measure(step, args, result);
    if (size == 0) continue;
    if (size > AGENT_RING_SIZE) {
      take = 1;
      break;
    }
    sizes[i] = size;
    writes++;
    body += (u64)uint_length(addr) + (u64)uint_length(size) + size;
  }
  if (!take && (u64)(at - RING) + body + FRAME_ROOM > AGENT_RING_SIZE) take = 1;
  if (take) {
    /* The tracer writes the call's own frame. */
    commit(at, frames, 0, frames > 0 ? before : last);
    return TAKE;
  }

  const i64 after = now(before);
  if (frames > 0) delta = after - before;
  else delta = after - last;
  u8 fixed[128];
  u8* end = put_int(fixed, delta);
  end = put_int(end, (i64)nr);
  if (details & DETAIL_ARGS) {
    end = put_uint(end, row->args);
    for (u32 i = 0; i < row->args; i++) end = put_int(end, (i64)args[i]);
  } else {
    *end++ = 0;
  }
  end = put_int(end, result);
  *end++ = (u8)writes;
  /* The coarse clock tells only of calls that took long: of the others nothing is said. */
  u8 span[10];
  u8* span_end = span;
  if ((details & DETAIL_DURATIONS) && after > before) span_end = put_uint(span, (u64)(after - before) * 2 + 1);
  body += (u64)(end - fixed) + (u64)(span_end - span);
  *at++ = CODE_SYSCALL;
  at = put_uint(at, body);
  for (const u8* from = fixed; from < end;) *at++ = *from++;
  for (u32 i = 0; writes > 0 && i < row->steps; i++) {
    if (sizes[i] == 0) continue;
    at = put_uint(at, args[row->step[i].arg]);
    at = put_bytes(at, args[row->step[i].arg], sizes[i]);
  }
  for (const u8* from = span; from < span_end;) *at++ = *from++;
  commit(at, frames + 1, 1, after);
  return DONE;
}
