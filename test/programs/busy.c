/*
 * A program that keeps many processes and threads busy at once, for tests that meddle with it while it is recorded.
 *
 * Usage: busy ROUNDS [FILE]. With a file it goes on, past ROUNDS, until there is such a file. Each round forks two
 * children, of which one executes this file anew; two threads run all the time.
 * It checks what it computes: whatever is done to its recorder, it ends with `busy ok` and status 0.
 */
#include "../guests/guest.h"

#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <x86intrin.h>

enum { THREADS = 2, STEPS = 40, PAGE = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long turns[THREADS], turn, rounds_done;
static int finished;
static volatile sig_atomic_t ticks;

static void on_tick(int signal) {
  (void)signal;
  ticks++;
}

static uint64_t now_ns(void) {
  struct timespec now;
  CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Time goes forward and the processor says who it is, traced or not. */
static void check_instructions(void) {
  uint64_t clock = now_ns(), counter = __rdtsc();
  unsigned a, b, c, d;
  CHECK(__get_cpuid(0, &a, &b, &c, &d) == 1 && b != 0);
  CHECK(__rdtsc() >= counter);
  CHECK(now_ns() >= clock);
}

/* The threads take turns, one step of the ring each. */
static void *ring(void *argument) {
  long self = (long)argument;
  CHECK_ZERO(pthread_mutex_lock(&lock));
  for (;;) {
    while (!finished && turn % THREADS != self)
      CHECK_ZERO(pthread_cond_wait(&changed, &lock));
    if (finished)
      break;
    turn++;
    turns[self]++;
    CHECK_ZERO(pthread_cond_broadcast(&changed));
    CHECK_ZERO(pthread_mutex_unlock(&lock));
    struct timespec pause = {.tv_nsec = 200000};
    nanosleep(&pause, NULL);
    CHECK_ZERO(pthread_mutex_lock(&lock));
  }
  CHECK_ZERO(pthread_mutex_unlock(&lock));
  return NULL;
}

static void *add(void *argument) {
  long *sum = argument;
  for (int i = 1; i <= STEPS; i++) {
    check_instructions();
    __atomic_fetch_add(sum, i, __ATOMIC_SEQ_CST);
    sched_yield();
  }
  return NULL;
}

/* A call for more than a page gives less when the task is stopped meanwhile. */
static void fill(char *memory, size_t size) {
  for (size_t got = 0; got < size;)
    got += CHECK_SYS(getrandom(memory + got, size - got, 0));
}

/* What the executed child does: threads, memory, and a number through its standard output. */
static int leaf(void) {
  long sum = 0;
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, add, &sum));
  add(&sum);
  CHECK_ZERO(pthread_join(thread, NULL));
  CHECK(sum == STEPS * (STEPS + 1));
  for (int i = 1; i < 8; i++) {
    char *memory = CHECK_SYS(mmap(NULL, i * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    fill(memory, i * PAGE);
    CHECK_SYS(munmap(memory, i * PAGE));
  }
  CHECK(write(1, &sum, sizeof(sum)) == sizeof(sum));
  return 0;
}

static long read_number(int fd) {
  long number = 0;
  for (size_t got = 0; got < sizeof(number);) {
    ssize_t count = TEMP_FAILURE_RETRY(read(fd, (char *)&number + got, sizeof(number) - got));
    CHECK(count > 0);
    got += count;
  }
  return number;
}

static void do_round(const char *self, long *shared) {
  int numbers[2];
  CHECK_SYS(pipe(numbers));
  pid_t forked = CHECK_SYS(fork());
  if (forked == 0) {
    for (int i = 0; i < STEPS; i++) {
      check_instructions();
      __atomic_fetch_add(shared, 1, __ATOMIC_SEQ_CST);
    }
    CHECK(write(numbers[1], shared, sizeof(*shared)) == sizeof(*shared));
    _exit(0);
  }
  pid_t executed = CHECK_SYS(fork());
  if (executed == 0) {
    CHECK_SYS(dup2(numbers[1], 1));
    execl("/proc/self/exe", self, "leaf", (char *)NULL);
    _exit(127);
  }
  CHECK_SYS(close(numbers[1]));
  CHECK(read_number(numbers[0]) > 0);
  CHECK(read_number(numbers[0]) > 0);
  wait_ok(forked);
  wait_ok(executed);
  CHECK_SYS(close(numbers[0]));
  rounds_done++;
}

static int tracer(void) {
  char line[256];
  int pid = -1;
  FILE *status = fopen("/proc/self/status", "r");
  CHECK(status != NULL);
  while (fgets(line, sizeof(line), status) != NULL)
    sscanf(line, "TracerPid: %d", &pid);
  fclose(status);
  return pid;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "leaf") == 0)
    return leaf();
  CHECK(argc == 2 || argc == 3);
  int rounds = atoi(argv[1]);
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  struct itimerval timer = {.it_value.tv_usec = 7000, .it_interval.tv_usec = 7000}, off = {0};
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  long *shared = CHECK_SYS(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_t threads[THREADS];
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, ring, (void *)i));
  for (int i = 0; i < rounds || (argc == 3 && access(argv[2], F_OK) != 0); i++) {
    do_round(argv[0], shared);
    printf("round %d\n", i + 1);
  }
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  CHECK_ZERO(pthread_mutex_lock(&lock));
  finished = 1;
  CHECK_ZERO(pthread_cond_broadcast(&changed));
  CHECK_ZERO(pthread_mutex_unlock(&lock));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(*shared == (long)rounds_done * STEPS);
  CHECK(rounds_done >= rounds && turn == turns[0] + turns[1] && labs(turns[0] - turns[1]) <= 1);
  cpu_set_t cpus;
  CHECK_SYS(sched_getaffinity(0, sizeof(cpus), &cpus));
  printf("tracer %s, %d CPUs\nbusy ok\n", tracer() == 0 ? "none" : "there", CPU_COUNT(&cpus));
  return 0;
}
