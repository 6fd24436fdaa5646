/*
 * Threads that take turns in loops whose rounds are counted, while others make calls, map and unmap, fork, and get signals;
 * then a child that computes is killed, and the program executes itself in the midst of a timer's signals.
 */
#include "guest_tasks.h"

#include <sys/time.h>
#include <sys/wait.h>

enum { THREADS = 4, ROUNDS = 400000 };

static volatile uint64_t shared;
static volatile sig_atomic_t ticks;
static volatile int stop;

static __attribute__((noinline)) uint64_t spin(uint64_t x) {
  for (int i = 0; i < 40; i++)
    x = x * 6364136223846793005ul + (x >> 7);
  return x;
}

static void on_tick(int signal) {
  (void)signal;
  ticks++;
}

static void *compute(void *argument) {
  uint64_t x = (uintptr_t)argument;
  for (int i = 0; i < ROUNDS; i++) {
    x = spin(x);
    shared += x & 1;
  }
  return (void *)(uintptr_t)x;
}

static void *disturb(void *argument) {
  (void)argument;
  uint64_t seen = 0;
  while (!stop) {
    void *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    *(uint64_t *)page = shared;
    seen = seen * 31 + shared;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
      _exit((int)(spin(shared) & 63));
    int status;
    CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child);
    seen += (uint64_t)status;
    munmap(page, 65536);
    nap_us(1000);
  }
  return (void *)(uintptr_t)seen;
}

int main(int argc, char **argv) {
  struct itimerval timer = {.it_value.tv_usec = 3000, .it_interval.tv_usec = 3000}, off = {0};
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  if (argc == 1) {
    pthread_t threads[THREADS], other;
    CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
    for (intptr_t i = 0; i < THREADS; i++)
      CHECK(pthread_create(&threads[i], NULL, compute, (void *)i) == 0);
    CHECK(pthread_create(&other, NULL, disturb, NULL) == 0);
    void *result;
    for (int i = 0; i < THREADS; i++) {
      CHECK(pthread_join(threads[i], &result) == 0);
      MIX(result);
    }
    stop = 1;
    CHECK(pthread_join(other, &result) == 0);
    MIX(result);
    CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
    uint64_t sum = shared;
    MIX(sum);

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
      for (uint64_t x = 1;; shared += x & 1)
        x = spin(x);
    }
    nap_us(30000);
    CHECK_SYS(kill(child, SIGKILL));
    int status;
    CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    printf("%llu\n", (unsigned long long)shared);
    fflush(stdout);
    CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
    uint64_t x = 1;
    while (ticks < 20)
      x = spin(x);
    /* It would end the new program before that has a handler. */
    CHECK_SYS(sigprocmask(SIG_BLOCK, &alarm_only, NULL));
    execv(argv[0], (char *[]){argv[0], x & 1 ? "odd" : "even", NULL});
    CHECK(0);
  }
  CHECK_SYS(sigprocmask(SIG_UNBLOCK, &alarm_only, NULL));
  uint64_t x = 1;
  while (ticks < 10)
    x = spin(x);
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  MIX(x);
  printf("%s\n", argv[1]);
  return done();
}
