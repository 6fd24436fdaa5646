/* Words shared with the tracer beside the block: what it is told of calls it would have followed, and what decides whether
 * such a call can be made here. lib/agent-reports.ts has the same layout. */

struct range {
  u64 start, end;
};

struct file {
  u64 dev, ino;
};

struct reports {
  /* From the tracer. */
  u64 generation; /* changes whenever a content begins to be followed */
  u64 shared;     /* the program has shared mappings */
  u64 outputs[4]; /* device and inode of the recorded standard output and error */
  u64 followed_count; /* above REPORT_FOLLOWED_MAX: more than are told */
  struct file followed[REPORT_FOLLOWED_MAX]; /* files whose contents are followed: writing to them is the tracer's */
  u64 code_count;
  struct range code[REPORT_CODE_MAX]; /* where patches or trampolines lie: no mapping may go there, or away from there */
  /* To the tracer. */
  u64 opening; /* a file is about to be opened to be written */
  u64 written_count;
  struct file written[REPORT_WRITTEN_MAX]; /* files opened to be written */
  u64 actions_count;
  struct {
    u64 signo, handler, flags;
  } actions[REPORT_ACTIONS_MAX]; /* changed dispositions */
};

_Static_assert(sizeof(struct reports) <= 0xe00, "the block has one page");

_Static_assert(__builtin_offsetof(struct block, entry) == BLOCK_ENTRY, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, reported) == BLOCK_REPORTED, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, guards) == BLOCK_GUARDS, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, connections) == BLOCK_CONNECTIONS, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, kept) == BLOCK_KEPT, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, precise) == BLOCK_PRECISE, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, trap) == BLOCK_TRAP, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, full) == BLOCK_FULL, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, serial) == BLOCK_SERIAL, "as the tracer has it");
_Static_assert(__builtin_offsetof(struct block, solo) == BLOCK_SOLO, "as the tracer has it");

#define R ((volatile struct reports*)(u64)REPORTS)

static int touches_code(u64 start, u64 length) {
  const u64 end = start + length;
  if (end < start) return 1;
  for (u64 i = 0; i < R->code_count; i++)
    if (start < R->code[i].end && R->code[i].start < end) return 1;
  return 0;
}

#define STAT_WORDS 18
#define STAT_DEV 0
#define STAT_INO 1
/* st_mode is the low half of this word. */
#define STAT_MODE 3
#define STAT_SIZE 6
#define S_IFMT 0170000
#define S_IFREG 0100000
#define NR_FSTAT 5

/* False if it could not be found out. */
static int status_of(u64 fd, u64* stat) {
  const u64 args[6] = {fd, (u64)stat, 0, 0, 0, 0};
  return agent_try(NR_FSTAT, args) == 0;
}

static int is_regular(const u64* stat) { return (stat[STAT_MODE] & S_IFMT) == S_IFREG; }

/* Whether the file may be one of /proc, by whatever path it was opened: what those show, the tracer makes up. */
static int may_be_proc(u64 fd) {
  u64 stat[STAT_WORDS];
  if (!status_of(fd, stat)) return 1;
  /* File systems without a device have major number 0, and the files of /proc no size. */
  return ((stat[STAT_DEV] >> 8) & 0xfff) == 0 && stat[STAT_SIZE] == 0 && is_regular(stat);
}

/* A file has been opened to be written. Returns what may be done with the descriptor; -1: the tracer is to look at it. */
static int opened_to_write(u64 fd) {
  u64 stat[STAT_WORDS];
  if (!status_of(fd, stat)) return -1;
  if (!is_regular(stat)) return 0;
  const u64 count = R->written_count;
  u64 at = 0;
  while (at < count && (R->written[at].dev != stat[STAT_DEV] || R->written[at].ino != stat[STAT_INO])) at++;
  /* A full list is a stop. A journal that is made and removed for each change has the same inode each time. */
  if (at == count) {
    R->written[count].dev = stat[STAT_DEV];
    R->written[count].ino = stat[STAT_INO];
    R->written_count = count + 1;
  }
  B->reported = 1;
  R->opening = 0;
  for (int i = 0; i < 4; i += 2)
    if (R->outputs[i] == stat[STAT_DEV] && R->outputs[i + 1] == stat[STAT_INO]) return 0;
  for (u64 i = 0; i < R->followed_count; i++)
    if (R->followed[i].dev == stat[STAT_DEV] && R->followed[i].ino == stat[STAT_INO]) return FD_READ | FD_PROMPT;
  return FD_READ | FD_WRITE | FD_PROMPT;
}

#define SIGSYS 31
#define SIG_UNBLOCK 1
#define SIGACTION_HANDLER 0
#define SIGACTION_FLAGS 1
