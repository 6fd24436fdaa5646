/* Calls on memory: which of them are made here, and `mapping` frames. A part of agent.c, which includes it. */

#define NR_MMAP 9
#define MAP_TYPE 0xf
#define MAP_PRIVATE 2
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_FIXED_NOREPLACE 0x100000
#define MADV_FREE 8
#define PROT_WRITE 2
#define PROT_EXEC 4
#define BACKING_ANONYMOUS 0
#define BACKING_FILE 1
/* More than a `mapping` frame takes beside what is known of the file, bytes. */
#define MAPPING_HEAD 64
#define MAPPING_ROOM (MAPPING_HEAD + MAPPED_BYTES)

/*
 * From the tracer: what the task's last call has mapped of a file, as frames have it, before the offset and after it. Loaders map
 * a file part by part, so the next call may do it again. Any other call ends that: what the tracer has found out about the
 * file (which content it has, that nobody writes to it) is good for no longer.
 */
struct mapped_file {
  u32 before; /* bytes */
  u32 after;
  u8 bytes[MAPPED_BYTES];
};

#define M ((const volatile struct mapped_file*)(u64)AGENT_MAPPED)

_Static_assert(AGENT_ANSWERS + sizeof(struct answers) <= AGENT_MAPPED, "the file has its place");
_Static_assert(AGENT_MAPPED + sizeof(struct mapped_file) <= AGENT_STACK_TOP - 0x4000, "the stack needs its room");
_Static_assert(__builtin_offsetof(struct block, mapped) == BLOCK_MAPPED, "as the tracer has it");

/* FORWARD: the tracer has to come before the call, TAKE: after it. */
static enum outcome way_of_mmap(const u64* args) {
  const u64 flags = args[3];
  const int fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  if (fixed && touches_code(args[0], args[1])) return FORWARD;
  /* Of code the tracer wants to know, of what others can see, and of the end of what they could see. */
  const int is_plain = !(args[2] & PROT_EXEC) && (flags & MAP_TYPE) == MAP_PRIVATE && !(fixed && R->shared);
  if (flags & MAP_ANONYMOUS) return is_plain ? DONE : TAKE;
  if (is_plain && B->mapped == (u32)args[4] + 1) return DONE;
  /* Of devices the program is told that they cannot be mapped. */
  u64 stat[STAT_WORDS];
  return status_of((u32)args[4], stat) && is_regular(stat) ? TAKE : FORWARD;
}

static enum outcome way_of_memory(u32 check, const u64* args) {
  switch (check) {
    case CHECK_MMAP:
      return way_of_mmap(args);
    case CHECK_MUNMAP:
      return touches_code(args[0], args[1]) ? FORWARD : R->shared ? TAKE : DONE;
    case CHECK_MREMAP:
      return touches_code(args[0], args[1]) || touches_code(args[4], args[2]) ? FORWARD : TAKE;
    case CHECK_MPROTECT:
      /* What it writes over patches would be lost when they are taken out. */
      if ((args[2] & PROT_WRITE) && touches_code(args[0], args[1])) return FORWARD;
      return args[2] & PROT_EXEC ? TAKE : DONE;
    default:
      return (u32)args[2] == MADV_FREE ? FORWARD : DONE;
  }
}

/* A `mapping` frame for private memory that a call has just mapped at `start`. */
static u8* put_mapping(u8* at, i64 delta, const u64* args, i64 start) {
  u8 head[MAPPING_HEAD];
  u8* end = put_int(head, delta);
  end = put_uint(end, (u64)start);
  end = put_uint(end, (args[1] + 0xfff) & ~0xfffUL);
  end = put_int(end, (i64)args[2]);
  end = put_int(end, (i64)args[3]);
  const int is_file = !(args[3] & MAP_ANONYMOUS);
  const u64 before = is_file ? M->before : 0, after = is_file ? M->after : 0;
  u8 offset[16];
  const u8* const offset_end = is_file ? put_uint(offset, args[5]) : offset;
  *end++ = is_file ? BACKING_FILE : BACKING_ANONYMOUS;
  *at++ = CODE_MAPPING;
  at = put_uint(at, (u64)(end - head) + before + (u64)(offset_end - offset) + after);
  for (const u8* from = head; from < end;) *at++ = *from++;
  for (u64 i = 0; i < before; i++) *at++ = M->bytes[i];
  for (const u8* from = offset; from < offset_end;) *at++ = *from++;
  for (u64 i = 0; i < after; i++) *at++ = M->bytes[before + i];
  return at;
}
