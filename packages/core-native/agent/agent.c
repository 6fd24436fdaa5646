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
  u32 stage;    /* 1 once the call under way has been made, until it is recorded */
  u32 details;
  u32 writing;  /* odd while the words above change */
  u64 clock;    /* the vDSO's clock_gettime, 0 if there is none */
  int changed[BLOCK_CHANGED_MAX];
  u32 shared; /* SHARED_ bits */
  u32 luck;   /* decides who goes first when somebody was woken */
  u64 entry;  /* of the call under way: the length that the kernel overwrites, as it was; all ones if there is none */
  u32 reported; /* there is something in struct reports */
  u32 guards;   /* the program uses SIGSYS: it must not be blocked while dispatch is on */
  u32 connections; /* `connection` frames so far, whose numbers the tracer gives */
  u32 kept;     /* pieces of memory at AGENT_KEPT */
  u32 precise;  /* the time stamp counter may be read */
  u32 trap;     /* TRAP_ number of the instruction under way, if it is one */
  /* What the time is told by from one reading of the clock to the next: see `now`. */
  u64 tick;      /* time stamp counter at that reading */
  i64 tick_time; /* CLOCK_MONOTONIC then, ns; 0 before the first */
  u64 tick_rate; /* ns in 2^32 counts; 0 as long as that is not known */
  u32 mapped;    /* descriptor of the file at AGENT_MAPPED, plus one; 0 if there is none */
  u32 full;      /* why the tracer was called: once the ring is empty the call under way can be made here */
  u64 serial;    /* place of the next output in the order of all output */
  u32 solo;      /* nobody else is recorded who could put something out */
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
/* Of so many wake-ups and one, one is the tracer's. */
#define WOKEN_SELDOM 3

/* Bytes of the longest directory entry. */
#define MAX_ENTRY 280
#define CODE_SYSCALL 1
#define CODE_MAPPING 3
#define CODE_OUTPUT 18
#define CODE_DATA 64
#define DATA_LIMIT 256
#define STRING_LIMIT 4096
/* More than the head, the arguments and the result of a frame ever take, bytes. */
#define FRAME_ROOM 256
/* Room for the strings and data of one call, bytes. */
#define READS_ROOM (2 * (STRING_LIMIT + 64) + (MAX_STEPS + MAX_VECTOR + 1) * (DATA_LIMIT + 64))
/* Longer vectors are the tracer's. */
#define MAX_VECTOR 16
#define MAX_REGIONS (MAX_STEPS + MAX_VECTOR)
#define TOO_LONG (~0UL)
#define MAX_BYTES (1UL << 40)
/* As regions.ts has it: a longer piece is cut to this. */
#define MAX_REGION (1UL << 30)

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
    /* Whoever is killed from here on has made the call. */
    "  mov %rax, " BLOCK(BLOCK_RESULT) "\n"
    "  movl $1, " BLOCK(BLOCK_STAGE) "\n"
    ".globl agent_called\n"
    "agent_called:\n"
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

#include "encode.h"

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
    case MEASURE_DEREF:
      if (args[step->a] == 0) return 0;
      value = *(const u32*)args[step->a];
      if (value > B->entry) value = B->entry;
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

/* Makes what was written from the ring's head on count. Whoever looks while `writing` is odd looks again. */
static void commit(const u8* at, u64 frames, u64 calls, u32 connections, i64 time) {
  const u32 writing = B->writing;
  B->writing = writing + 1;
  B->time = time;
  B->connections = B->connections + connections;
  B->calls = B->calls + calls;
  B->frames = B->frames + frames;
  B->stage = 0;
  B->head = (u64)(at - RING);
  B->writing = writing + 2;
}

#include "clock.h"
#include "reports.h"
#include "traps.h"
#include "mappings.h"
#include "vectors.h"
#include "messages.h"
#include "output.h"
#include "checks.h"
#include "connections.h"
#include "waiting.h"

/* `data` frames of what the kernel will read, from `*place` on: it may store its answer in the same place. Returns how many;
 * -1: the call is the tracer's. */
static int put_reads(const struct agent_row* row, const u64* args, i64 delta, u8** place) {
  const u32 details = B->details;
  u8* at = *place;
  u32 frames = 0;
  if ((u64)(at - RING) + READS_ROOM > AGENT_RING_SIZE) return -1;
  for (u32 i = 0; i < row->steps; i++) {
    const struct agent_step* step = &row->step[i];
    const u64 addr = args[step->arg];
    if (step->op == OP_OUT || (i64)addr <= 0) continue;
    if (!(details & (step->op == OP_STRING ? DETAIL_STRINGS : DETAIL_DATA))) continue;
    const i64 since = frames == 0 ? delta : 0;
    if (step->op == OP_GATHER || step->op == OP_SCATTER) {
      const u64 count = measure(step, args, -1);
      if (count > MAX_VECTOR) return -1;
      at = put_vector(at, &frames, since, step, addr, count);
      continue;
    }
    if (step->op == OP_MESSAGE_IN || step->op == OP_MESSAGE_OUT) {
      if (pieces_of((const struct message*)addr) > MAX_VECTOR) return -1;
      at = put_message(at, &frames, since, step, addr);
      continue;
    }
    if (step->op == OP_MASK) {
      const u64* pair = (const u64*)addr;
      at = put_piece(at, &frames, since, step->arg, addr, 2 * sizeof *pair);
      if (pair[0] != 0) at = put_piece(at, &frames, 0, step->arg, pair[0], shorter(pair[1], sizeof(u64)));
      continue;
    }
    u64 size, length;
    if (step->op == OP_STRING) {
      /* An empty string is told from memory that is not there by looking, which faults. */
      size = length = string_length(addr);
    } else {
      size = measure(step, args, -1);
      if (size == 0) continue;
      if (size == TOO_LONG) return -1;
      length = size > DATA_LIMIT ? DATA_LIMIT : size;
    }
    at = put_data(at, since, step->arg, size, addr, length);
    frames++;
  }
  *place = at;
  return (int)frames;
}

/* Finds out what the kernel has stored. Returns how many pieces of memory that is; -1: the tracer is to find out. */
static int stored(const struct agent_row* row, const u64* args, i64 result, struct region* regions) {
  u32 count = 0;
  for (u32 i = 0; i < row->steps; i++) {
    const struct agent_step* step = &row->step[i];
    const u64 addr = args[step->arg];
    if (addr == 0 || (step->positive && result <= 0)) continue;
    if (step->op == OP_SCATTER) {
      const u64 length = measure(step, args, result);
      if (length > MAX_VECTOR) return -1;
      count = spread(regions, count, addr, length, result);
    } else if (step->op == OP_MESSAGE_IN) {
      if (pieces_of((const struct message*)addr) > MAX_VECTOR) return -1;
      count = received(regions, count, addr, result, B->entry);
    } else if (step->op == OP_OUT) {
      regions[count].addr = addr;
      regions[count].size = measure(step, args, result);
      if (regions[count].size > 0) count++;
    }
  }
  return (int)count;
}

/*
 * A hole behind what was stored may have stopped the kernel in the middle of an entry, or of a piece of a message: what it
 * had stored of that, it does not count. This falls into the hole.
 */
static void probe(u32 what, const u64* args, u64 result) {
  const struct message* message = (const struct message*)args[1];
  switch (what) {
    case PROBE_ENTRY: {
      const u64 end = result + MAX_ENTRY;
      touch_end(args[1], end > args[2] ? args[2] : end);
      break;
    }
    case PROBE_BUFFER:
      if (result < args[2]) touch_end(args[1], args[2]);
      break;
    case PROBE_VECTOR:
      touch_vector(args[1], args[2], result);
      break;
    default:
      touch_vector(message->vector, pieces_of(message), result);
  }
}

/* Bytes that the frame of a call has for what is stored at pieces of memory that are not looked at before it is made. */
#define PIECES_ROOM (AGENT_RING_SIZE / 4)

/* Whether the ring, which is more than half full, has room for the call's frames, or will not have it empty either. */
static __attribute__((noinline)) int frames_fit(const struct agent_row* row, const u64* args, const struct plan* plan) {
  u64 room = FRAME_ROOM + CONNECTION_ROOM + MAPPING_ROOM;
  if (plan->output) {
    if (args[2] > AGENT_RING_SIZE) return 1;
    room += OUTPUT_ROOM + args[2];
  }
  if (row->reads) room += READS_ROOM;
  for (u32 i = 0; i < row->steps; i++) {
    const struct agent_step* step = &row->step[i];
    if (step->op == OP_SCATTER || step->op == OP_MESSAGE_IN) {
      room += PIECES_ROOM;
    } else if (step->op == OP_OUT && step->measure != MEASURE_DEREF) {
      const u64 size = measure(step, args, -1);
      if (size > AGENT_RING_SIZE) return 1;
      room += size + 2 * sizeof(u64) + 2;
    }
  }
  return room > AGENT_RING_SIZE || B->head + room <= AGENT_RING_SIZE;
}

/* The tracer empties the ring, and sends the task here again. */
static enum outcome make_room(void) {
  B->full = 1;
  return FORWARD;
}

static __attribute__((noinline)) enum outcome make_call(struct saved* saved, u64 nr) {
  if (agent_index[nr] == 0) return FORWARD;
  const struct agent_row* row = &agent_rows[agent_index[nr] - 1];
  const u64 args[6] = {saved->rdi, saved->rsi, saved->rdx, saved->r10, saved->r8, saved->r9};
  if (row->varies && (row = variant_of(nr, (u32)args[1])) == 0) return FORWARD;
  struct plan plan;
  if (!may_keep(row, args) || admit(row, args, &plan) == FORWARD) return FORWARD;
  if (B->head > AGENT_RING_SIZE / 2 && !frames_fit(row, args, &plan)) return make_room();

  const u32 details = B->details;
  const i64 last = B->time;
  const i64 before = row->quick || !(details & DETAIL_DURATIONS) ? last : now(last);
  u8* at = RING + B->head;
  int frames = 0;
  if (row->reads && !plan.wakes && (details & (DETAIL_STRINGS | DETAIL_DATA))) {
    frames = put_reads(row, args, before - last, &at);
    if (frames < 0) return FORWARD;
  }

  i64 result = 0;
  const enum way way = B->shared ? way_of(row, (i64)nr, args, &result) : way_alone(row, args);
  if (way == LEAVE) return FORWARD;
  if (row->closes) {
    const u32 fd = (u32)args[0];
    FDS[fd] = 0;
    changed((int)fd);
  }
  if (row->modes) FDS[(u32)args[0]] &= (u8)~(FD_PROMPT | FD_NONBLOCK);
  const u64 generation = R->generation;
  if (plan.writes_file) R->opening = 1;
  B->kept = 0;
  for (u32 i = 0; i < row->keeps; i++) keep(args[row->keep_arg[i]], row->keep_size[i], args);
  if (way == MAKE) result = agent_call((i64)nr, args);
  if (result == ABORTED) {
    R->opening = 0;
    return FORWARD;
  }
  B->result = result;
  B->stage = 1;
  saved->rax = (u64)result;
  const int failed = result < 0 && result >= -MAX_ERRNO;
  if (row->probe != PROBE_NONE && result > 0) probe(row->probe, args, (u64)result);
  int take = plan.takes || (failed && (result == -EINTR || result == -EFAULT || row->fails || may_have_control(row, args)));
  if (!failed && learn(row, args, result, &plan, generation) < 0) take = 1;
  R->opening = 0;
  if (plan.wakes && result > 0 && B->shared) {
    /* Now and then the tracer lets the woken task go first. */
    const u32 luck = B->luck * 1103515245 + 12345;
    B->luck = luck;
    if ((luck >> 16 & WOKEN_SELDOM) == 0) take = 1;
  }

  struct ends ends;
  int connection = 0;
  const int connects = row->check == CHECK_CONNECT && (!failed || result == -EINPROGRESS);
  if (!take && (connects || (row->check == CHECK_ACCEPT && !failed))) {
    connection = find_ends(row->check, args, result, &ends);
    if (connection < 0) take = 1;
  }

  struct region regions[MAX_REGIONS];
  int writes = 0;
  /* For a frame before the call's. */
  u64 room = connection > 0 ? CONNECTION_ROOM : row->check == CHECK_MMAP ? MAPPING_ROOM : 0;
  const int puts_out = plan.output && result > 0;
  if (puts_out) room = OUTPUT_ROOM + (u64)result;
  u64 body = 0;
  if (!take && !failed) {
    writes = stored(row, args, result, regions);
    if (writes < 0) take = 1;
  }
  for (int i = 0; i < writes; i++) {
    const u64 size = regions[i].size;
    if (size > AGENT_RING_SIZE) {
      take = 1;
      break;
    }
    body += (u64)uint_length(regions[i].addr) + (u64)uint_length(size) + size;
  }
  if (!take && (u64)(at - RING) + room + body + FRAME_ROOM > AGENT_RING_SIZE) take = 1;
  if (take) {
    /* The tracer writes the call's own frame. */
    commit(at, (u64)frames, 0, 0, frames > 0 ? before : last);
    return TAKE;
  }

  const i64 after = now(before);
  i64 delta = after - (frames > 0 ? before : last);
  if (row->check == CHECK_MMAP && !failed) {
    at = put_mapping(at, delta, args, result);
    delta = 0;
    frames++;
  }
  if (connection > 0) {
    at = put_connection(at, delta, &ends);
    delta = 0;
    frames++;
  }
  if (puts_out) {
    at = put_output(at, delta, (u32)args[0], args[1], (u64)result);
    delta = 0;
    frames++;
  }
  u8 fixed[136];
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
  /* Of calls that took no time the clock can tell nothing is said. */
  u8 span[24];
  u8* span_end = span;
  if ((details & DETAIL_DURATIONS) && after > before && !row->quick)
    span_end = put_uint(span, (u64)(after - before) * 2 + 1);
  body += (u64)(end - fixed) + (u64)(span_end - span);
  *at++ = CODE_SYSCALL;
  at = put_uint(at, body);
  at = put_head(at, fixed, (u64)(end - fixed));
  for (int i = 0; i < writes; i++) {
    at = put_uint(at, regions[i].addr);
    at = put_bytes(at, regions[i].addr, regions[i].size);
  }
  at = put_head(at, span, (u64)(span_end - span));
  commit(at, (u64)frames + 1, 1, connection > 0, after);
  if (puts_out) B->serial = B->serial + 1;
  return DONE;
}

int agent_main(struct saved* saved) {
  const u64 nr = saved->rax;
  B->ret = saved->rcx;
  B->nr = (i64)nr;
  B->stage = 0;
  if (nr != NR_MMAP) B->mapped = 0;
  if (nr >= AGENT_ROWS || B->halt) return FORWARD;
  if (tells_time(nr)) {
    if (B->head + FRAME_ROOM > AGENT_RING_SIZE) return make_room();
    if (tell_time(saved, nr)) return DONE;
  }
  return make_call(saved, nr);
}
