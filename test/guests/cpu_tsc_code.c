/*
 * rdtsc in code of every kind, between calls that only tell the time: of this file, in threads and children and after exec;
 * of this file's data, mapped as code; and made at run time, by one thread while another one reads the counter.
 */
#include "guest.h"

#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

typedef uint64_t (*reader)(void);

/* rdtsc; shl $32, %rdx; or %rdx, %rax; ret */
static const unsigned char code[] = {0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0, 0xc3};

static __attribute__((noinline)) uint64_t own_code(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

static __attribute__((noinline)) uint64_t own_code_p(void) {
  uint32_t low, high, aux;
  __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
  return (uint64_t)high << 32 | low;
}

static int64_t last_time;

static void read_clocks(void) {
  struct timespec now;
  struct timeval day;
  time_t seconds;
  static const clockid_t clocks[] = {CLOCK_REALTIME,         CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                                     CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,      CLOCK_TAI,
                                     CLOCK_PROCESS_CPUTIME_ID};
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    CHECK_SYS(clock_gettime(clocks[i], &now));
    MIX(now);
  }
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
  int64_t ns = now.tv_sec * 1000000000LL + now.tv_nsec;
  CHECK(ns >= last_time);
  last_time = ns;
  CHECK_SYS(gettimeofday(&day, NULL));
  MIX(day);
  /* By the clock's last tick, which may be behind; and a second may have begun since. */
  CHECK(time(&seconds) == seconds && seconds <= day.tv_sec + 1 && seconds + 1 >= day.tv_sec);
  CHECK(time(NULL) >= seconds);
  MIX(seconds);
}

/* Reads time both ways, by `read` and by calls, so often. */
static uint64_t read_all(reader read, int count) {
  uint64_t last = 0;
  for (int i = 0; i < count; i++) {
    uint64_t now = read();
    /* Processors' counters may be a little apart. */
    CHECK(now + 1000000 > last);
    last = now;
    MIX(now);
    read_clocks();
  }
  return last;
}

static void in_child(reader read) {
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    guest_sum = 0;
    printf("child: %llu", (unsigned long long)read_all(read, 20));
    printf(" %016llx\n", (unsigned long long)guest_sum);
    _exit(0);
  }
  wait_ok(child);
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static _Atomic reader current = own_code;
static _Atomic int rounds, finish;

static void *compute(void *unused) {
  (void)unused;
  while (!finish) {
    pthread_mutex_lock(&turn);
    read_all(current, 3);
    pthread_mutex_unlock(&turn);
    rounds++;
  }
  return NULL;
}

static void await_rounds(int count) {
  for (int target = rounds + count; rounds < target;) {
    pthread_mutex_lock(&turn);
    read_all(own_code_p, 1);
    pthread_mutex_unlock(&turn);
  }
}

/* The page of the program's file with `code`, mapped as code. */
static reader from_data(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  reader found = NULL;
  uintptr_t addr = (uintptr_t)code;
  while (found == NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end, offset;
    if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3 || addr < start || addr >= end) continue;
    int fd = CHECK_SYS(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    long page = (long)(addr - start) & ~0xfffL;
    char *mapped = CHECK_SYS(mmap(NULL, 0x2000, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (long)offset + page));
    CHECK_SYS(close(fd));
    found = (reader)(mapped + (addr - start - (unsigned long)page));
  }
  fclose(maps);
  CHECK(found != NULL);
  return found;
}

int main(int argc, char **argv) {
  int round = argc > 1 ? atoi(argv[1]) : 0;
  printf("round %d: %llu\n", round, (unsigned long long)read_all(own_code, 50));
  in_child(own_code_p);
  if (round == 2) return done();

  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, compute, NULL));
  await_rounds(3);
  reader made;
  if (round == 0) {
    made = from_data();
  } else {
    void *page = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    memcpy(page, code, sizeof code);
    CHECK_SYS(mprotect(page, 4096, PROT_READ | PROT_EXEC));
    made = (reader)page;
  }
  current = made;
  await_rounds(3);
  finish = 1;
  CHECK_ZERO(pthread_join(thread, NULL));
  printf("made: %llu\n", (unsigned long long)read_all(made, 20));
  in_child(made);
  printf("%016llx\n", (unsigned long long)guest_sum);
  char next[] = {(char)('1' + round), 0};
  CHECK_SYS(execl("/proc/self/exe", argv[0], next, (char *)NULL));
}
