/*
 * Signals that hit code whose registers and next words are the same in every round, while another thread waits in a call:
 * for a lock, for time, for a descriptor. What tells the rounds apart is memory that nothing at hand points to.
 */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/time.h>
#include <time.h>

enum { TICKS = 8, WAITS = 3, FAR = 300 };

static volatile sig_atomic_t ticks;
static volatile uint64_t stop;
static uint64_t *volatile table;
static uint64_t counts[WAITS][TICKS];
static uint64_t *volatile count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static void on_tick(int signal) {
  (void)signal;
  if (ticks == TICKS)
    return;
  count[ticks] = table[FAR];
  if (++ticks == TICKS)
    stop = 1;
}

static void *wait_in_a_call(void *arg) {
  switch ((uintptr_t)arg) {
  case 0:
    CHECK_ZERO(pthread_mutex_lock(&lock));
    CHECK_ZERO(pthread_mutex_unlock(&lock));
    break;
  case 1: {
    struct timespec rest = {.tv_sec = 1000}, left = {0};
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &left) == EINTR);
    break;
  }
  default: {
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    CHECK(CHECK_SYS(poll(&fd, 1, -1)) == 1);
  }
  }
  return NULL;
}

static void nothing(int signal) { (void)signal; }

int main(void) {
  table = calloc(FAR + 1, sizeof(*table));
  table[0] = FAR;
  CHECK_SYS(pipe(ends));
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  CHECK_SYS(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_tick}, NULL));
  CHECK_SYS(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = nothing}, NULL));
  for (uintptr_t wait = 0; wait < WAITS; wait++) {
    CHECK_ZERO(pthread_mutex_lock(&lock));
    pthread_t waiter;
    CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &alarms, NULL));
    CHECK_ZERO(pthread_create(&waiter, NULL, wait_in_a_call, (void *)wait));
    CHECK_ZERO(pthread_sigmask(SIG_UNBLOCK, &alarms, NULL));
    count = counts[wait];
    ticks = 0;
    stop = 0;
    struct itimerval timer = {.it_value.tv_usec = 3000, .it_interval.tv_usec = 3000}, off = {0};
    CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
    __asm__ volatile("1: movq %[table], %%rax\n movq (%%rax), %%rdx\n addq $1, (%%rax,%%rdx,8)\n"
                     "xorl %%eax, %%eax\n xorl %%edx, %%edx\n cmpq $0, %[stop]\n je 1b" ::[table] "m"(table),
                     [stop] "m"(stop)
                     : "rax", "rdx", "cc", "memory");
    CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
    CHECK_ZERO(pthread_mutex_unlock(&lock));
    if (wait == 1) {
      /* Perhaps it has yet to fall asleep. */
      while (pthread_tryjoin_np(waiter, NULL) != 0) {
        CHECK_ZERO(pthread_kill(waiter, SIGUSR1));
        sched_yield();
      }
      continue;
    }
    if (wait == 2)
      CHECK(CHECK_SYS(write(ends[1], "x", 1)) == 1);
    CHECK_ZERO(pthread_join(waiter, NULL));
  }
  MIX(counts);
  return done();
}
