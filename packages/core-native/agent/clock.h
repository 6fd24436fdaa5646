/* The time, and the calls that only tell it: they are answered without the kernel. A part of agent.c, which includes it. */

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
/* Those that the vDSO knows: realtime, monotonic, monotonic_raw, the two coarse ones, boottime, tai. */
#define VDSO_CLOCKS (1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 11)
#define MAX_CLOCK 11

#define SYS_GETTIMEOFDAY 96
#define SYS_TIME 201
#define SYS_CLOCK_GETTIME 228

/* False if the vDSO cannot tell: by a system call, which is not made from there. */
static inline int read_clock(int id, i64* time) {
  int (*clock)(int, i64*) = (int (*)(int, i64*))B->clock;
  return clock != 0 && clock(id, time) == 0;
}

/* Whole microseconds, as the tracer has them in its frames; not before `last`. */
static inline i64 nanoseconds(const i64* time, i64 last) {
  const u32 part = (u32)time[1];
  const i64 ns = time[0] * 1000000000 + (part - part % 1000);
  return ns > last ? ns : last;
}

/* Counts from one reading of the clock to the next, one or two milliseconds: an error in the rate is below a microsecond then. */
#define TICK_LENGTH (1ul << 22)
/* Fewer tell no rate, and more than this are too many for the arithmetic. */
#define TICK_LEAST (1ul << 20)
#define TICK_MOST (1ul << 31)

static inline u64 read_counter(void) {
  u32 low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (u64)high << 32 | low;
}

/* Reads the clock, and learns how fast the counter runs. `count` is the counter's value, `since` that minus the last one. */
static __attribute__((noinline)) i64 read_tick(u64 count, u64 since, i64 last) {
  i64 time[2];
  if (!read_clock(CLOCK_MONOTONIC, time)) return last;
  const i64 ns = time[0] * 1000000000 + time[1];
  if (B->tick_time != 0 && since < TICK_LEAST) return ns;
  if (B->tick_time != 0 && since < TICK_MOST && ns > B->tick_time)
    B->tick_rate = ((u64)(ns - B->tick_time) << 32) / since;
  B->tick = count;
  B->tick_time = ns;
  return ns;
}

/*
 * By the time stamp counter, whose rate the vDSO's clock tells. Where the counter traps, by the clock that each tick sets. Whole
 * microseconds, not before `last`.
 */
static i64 now(i64 last) {
  i64 time[2];
  if (!B->precise) return read_clock(CLOCK_MONOTONIC_COARSE, time) ? nanoseconds(time, last) : last;
  const u64 count = read_counter();
  const u64 since = count - B->tick;
  const u64 rate = B->tick_rate;
  u64 ns = rate != 0 && since < TICK_LENGTH ? (u64)B->tick_time + (since * rate >> 32) : (u64)read_tick(count, since, last);
  ns -= ns % 1000;
  return (i64)ns > last ? (i64)ns : last;
}

static inline int tells_time(u64 nr) { return nr == SYS_CLOCK_GETTIME || nr == SYS_GETTIMEOFDAY || nr == SYS_TIME; }

/* Answers such a call, and records it as any: the ring has room. False if it has to be made. */
static int tell_time(struct saved* saved, u64 nr) {
  int id = CLOCK_REALTIME;
  u64 addr = saved->rdi, result = 0, size = 16;
  u32 count = 2;
  if (nr == SYS_CLOCK_GETTIME) {
    id = (int)saved->rdi;
    if ((u32)id > MAX_CLOCK || !(1 << id & VDSO_CLOCKS)) return 0;
    addr = saved->rsi;
  } else if (nr == SYS_TIME) {
    id = CLOCK_REALTIME_COARSE;
    count = 1;
    size = addr == 0 ? 0 : 8;
  } else if (saved->rsi != 0) {
    return 0; /* The time zone, too. */
  }
  if (!B->precise || (addr == 0 && nr != SYS_TIME)) return 0;
  i64 time[2], clock[2];
  if (!read_clock(id, time)) return 0;
  const i64 last = B->time;
  i64 at = last;
  if (id == CLOCK_MONOTONIC)
    at = nanoseconds(time, last);
  else if (read_clock(CLOCK_MONOTONIC, clock))
    at = nanoseconds(clock, last);
  if (nr == SYS_GETTIMEOFDAY) time[1] /= 1000;
  if (nr == SYS_TIME) result = (u64)time[0];
  /* Nothing counts yet: memory that is not there is met here. */
  if (size >= 8) ((volatile i64*)addr)[0] = time[0];
  if (size == 16) ((volatile i64*)addr)[1] = time[1];

  u8* const start = RING + B->head;
  /* The length of the body comes before it. */
  u8* end = put_int(start + 2, at - last);
  end = put_int(end, (i64)nr);
  if (B->details & DETAIL_ARGS) {
    end = put_uint(end, count);
    end = put_int(end, (i64)saved->rdi);
    if (count == 2) end = put_int(end, (i64)saved->rsi);
  } else {
    *end++ = 0;
  }
  end = put_int(end, (i64)result);
  *end++ = size > 0;
  if (size > 0) {
    end = put_uint(end, addr);
    end = put_uint(end, size);
    for (u64 i = 0; i < size / 8; i++, end += 8) *(i64*)end = time[i];
  }
  start[0] = CODE_SYSCALL;
  start[1] = (u8)(end - start - 2);
  saved->rax = result;
  commit(end, 1, 1, 0, at);
  return 1;
}
