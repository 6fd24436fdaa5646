/* Calls that a replay makes again, as the log has them: those on memory, and the base of fs or gs. A part of replay.c, which
 * includes it. */

#define NR_OPEN 2
#define NR_CLOSE 3
#define NR_MMAP 9
#define NR_MPROTECT 10
#define NR_MUNMAP 11
#define NR_BRK 12
#define NR_MADVISE 28
#define NR_ARCH_PRCTL 158
#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_TYPE 0xf
#define MAP_PRIVATE 2
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_GROWSDOWN 0x100
#define MAP_NORESERVE 0x4000
#define BACKING_ANONYMOUS 0
#define BACKING_FILE 1
/* Before the bytes of a hash in a frame: twice their number. */
#define HASH_TAG 32
#define O_CLOEXEC 02000000
#define MADV_DONTNEED 4
#define MADV_FREE 8
/* Advice that changes contents, or what children get: EFFECTIVE_ADVICE in replayer/src/syscalls/memory.ts. */
#define MADV_EFFECTIVE (1u << MADV_DONTNEED | 1u << MADV_FREE | 1u << 9 | 1u << 10 | 1u << 11 | 1u << 18 | 1u << 19 | 1u << 24)

/* From the tracer: where code of files, patches and trampolines lie. What changes these pages is its business. */
struct code {
  u64 count;
  struct {
    u64 start, end;
  } range[CODE_RANGES_MAX];
};

#define C ((const volatile struct code*)(u64)AGENT_CODE_RANGES)

_Static_assert(AGENT_CODE_RANGES + sizeof(struct code) <= AGENT_ROWS, "the ranges have their place");

/* From the tracer: files with contents of the log's. The name is what the recording mapped, as frames have it: under another name
 * the tracer has to see the mapping, too. */
struct contents {
  u64 count;
  struct {
    u64 hash[2];
    char path[CONTENT_PATH_BYTES];
    u64 named; /* bytes of the name */
    u8 name[CONTENT_NAME_BYTES];
  } file[CONTENTS_MAX];
};

#define F ((const volatile struct contents*)(u64)AGENT_CONTENTS)

_Static_assert(sizeof(((struct contents*)0)->file[0]) == 256, "as the tracer has it");

static int touches_code(u64 start, u64 end) {
  if (end < start) return 1;
  for (u64 i = 0; i < C->count; i++)
    if (start < C->range[i].end && C->range[i].start < end) return 1;
  return 0;
}

static u64 page_up(u64 addr) { return (addr + PAGE - 1) & -PAGE; }

/* By the one `syscall` instruction that dispatch lets through. */
static i64 make_call(u64 nr, u64 arg0, u64 arg1, u64 arg2, u64 arg3, u64 arg4, u64 arg5) {
  register u64 r10 __asm__("r10") = arg3;
  register u64 r8 __asm__("r8") = arg4;
  register u64 r9 __asm__("r9") = arg5;
  i64 result;
  __asm__ volatile("call agent_call"
                   : "=a"(result)
                   : "a"(nr), "D"(arg0), "S"(arg1), "d"(arg2), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory", "cc");
  return result;
}

static int map_anonymous(u64 start, u64 end, u64 prot, u64 flags) {
  const u64 all = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags;
  return make_call(NR_MMAP, start, end - start, prot, all, -1UL, 0) == (i64)start;
}

/* `backing` is behind its first byte. */
static int map_file(struct source backing, u64 start, u64 end, u64 prot, u64 flags) {
  if (get_uint(&backing) != HASH_TAG) return 0;
  const u64 hash[2] = {((const u64*)backing.at)[0], ((const u64*)backing.at)[1]};
  backing.at += sizeof hash;
  const u64 offset = get_uint(&backing);
  if (backing.at > backing.end) return 0;
  u64 i = 0;
  while (i < F->count && (F->file[i].hash[0] != hash[0] || F->file[i].hash[1] != hash[1])) i++;
  if (i == F->count || F->file[i].named > (u64)(backing.end - backing.at)) return 0;
  if (differs((const u8*)F->file[i].name, backing.at, F->file[i].named)) return 0;
  const i64 fd = make_call(NR_OPEN, (u64)F->file[i].path, O_CLOEXEC, 0, 0, 0, 0);
  if (fd < 0) return 0;
  const i64 mapped = make_call(NR_MMAP, start, end - start, prot, MAP_PRIVATE | MAP_FIXED | flags, (u64)fd, offset);
  make_call(NR_CLOSE, (u64)fd, 0, 0, 0, 0, 0);
  return mapped == (i64)start;
}

/* What a `mapping` frame has, if that is private memory that is neither code nor grows by itself. */
static int map_again(struct source frame, u64 result) {
  const u64 start = get_uint(&frame);
  const u64 end = start + get_uint(&frame);
  const u64 prot = (u64)get_int(&frame);
  const u64 flags = (u64)get_int(&frame);
  if (frame.at >= frame.end || start != result || touches_code(start, end)) return 0;
  if ((prot & ~(u64)(PROT_READ | PROT_WRITE)) || (flags & MAP_TYPE) != MAP_PRIVATE || (flags & MAP_GROWSDOWN)) return 0;
  switch (*frame.at++) {
    case BACKING_ANONYMOUS:
      return map_anonymous(start, end, prot, flags & MAP_NORESERVE);
    case BACKING_FILE:
      return map_file(frame, start, end, prot, flags & MAP_NORESERVE);
    default:
      return 0;
  }
}

static int move_break(u64 result) {
  const u64 from = page_up(B->program_break), to = page_up(result);
  if (to > from) {
    if (touches_code(from, to) || !map_anonymous(from, to, PROT_READ | PROT_WRITE, 0)) return 0;
  } else if (to < from) {
    if (touches_code(to, from) || make_call(NR_MUNMAP, to, from - to, 0, 0, 0, 0) != 0) return 0;
  }
  B->program_break = result;
  return 1;
}

/*
 * Does what a recorded call did. False if that is the tracer's: nothing has been done then, or what he does once more
 * without a difference.
 */
static int make_again(u32 nr, const u64* args, i64 result, struct source mapping, struct source writes) {
  if (nr == NR_ARCH_PRCTL) {
    const int sets_base = args[0] == ARCH_SET_FS || args[0] == ARCH_SET_GS;
    return result < 0 || (sets_base && make_call(nr, args[0], args[1], 0, 0, 0, 0) == 0);
  }
  if (get_uint(&writes) != 0) return 0;
  if (nr == NR_MMAP) return mapping.at ? map_again(mapping, (u64)result) : result < 0;
  if (nr == NR_BRK) return result >= 0 && move_break((u64)result);
  u64 last = args[2];
  if (nr == NR_MADVISE) {
    if (last >= 32 || !(MADV_EFFECTIVE >> last & 1)) return 1;
    if (last != MADV_DONTNEED && last != MADV_FREE) return 0;
    last = MADV_DONTNEED;
  }
  if (nr == NR_MPROTECT && (last & PROT_EXEC)) return 0;
  if (touches_code(args[0], args[0] + page_up(args[1]))) return 0;
  /* One that fails half way has done its first half. */
  return make_call(nr, args[0], args[1], last, 0, 0, 0) == 0 || result < 0;
}
