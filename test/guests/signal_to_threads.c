/* Which thread gets a signal: the one it's sent to; for the process's, any that doesn't block it. */
#include "guest_tasks.h"

enum { THREADS = 5 };

static __thread int own_number;
static volatile int handled_by[THREADS + 1];
static volatile sig_atomic_t handled;
static struct gate ready, leave;
static pid_t tids[THREADS];

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
  __atomic_add_fetch(&handled_by[own_number], 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *thread(void *arg) {
  own_number = (int)(long)arg + 1;
  tids[(long)arg] = gettid();
  /* Odd ones block it. */
  sigset_t set = signal_set(SIGUSR1);
  CHECK_ZERO(pthread_sigmask(own_number % 2 ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL));
  gate_open(ready);
  gate_wait(leave);
  if (own_number == 1) {
    /* The process's pending signal goes to the first that unblocks it. */
    sigset_t pending;
    CHECK_SYS(sigpending(&pending));
    CHECK(sigismember(&pending, SIGUSR2));
    set = signal_set(SIGUSR2);
    CHECK_ZERO(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
    CHECK_SYS(sigpending(&pending));
    CHECK(!sigismember(&pending, SIGUSR2));
  }
  return NULL;
}

static void wait_handled(int count) {
  while (handled < count)
    sched_yield();
  CHECK(handled == count);
}

int main(void) {
  pthread_t threads[THREADS];
  sigset_t set = signal_set(SIGUSR2);
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &set, NULL));
  handle(SIGUSR1, on_signal, SA_RESTART);
  handle(SIGUSR2, on_signal, SA_RESTART);
  ready = gate_make();
  leave = gate_make();
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, (void *)i));
  for (int i = 0; i < THREADS; i++)
    gate_wait(ready);
  set = signal_set(SIGUSR1);
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, &set, NULL));

  int count = 0;
  for (int round = 0; round < 5; round++)
    for (int i = 1; i < THREADS; i += 2) {
      CHECK_ZERO(pthread_kill(threads[i], SIGUSR1));
      wait_handled(++count);
    }
  CHECK(handled_by[2] == 5 && handled_by[4] == 5);
  for (int i = 0; i < 20; i++) {
    CHECK_SYS(kill(getpid(), SIGUSR1));
    wait_handled(++count);
  }
  CHECK(handled_by[0] == 0 && handled_by[1] == 0 && handled_by[3] == 0 && handled_by[5] == 0);
  printf("of 20: %d by %d, %d by %d\n", handled_by[2] - 5, tids[1], handled_by[4] - 5, tids[3]);

  /* Pending on one thread, invisible to the others. */
  sigset_t pending;
  CHECK_ZERO(pthread_kill(threads[0], SIGUSR1));
  CHECK_SYS(sigpending(&pending));
  CHECK(!sigismember(&pending, SIGUSR1));
  CHECK_ZERO(pthread_kill(pthread_self(), SIGUSR1));
  CHECK_SYS(sigpending(&pending));
  CHECK(sigismember(&pending, SIGUSR1) && handled == count);
  CHECK_ZERO(pthread_sigmask(SIG_UNBLOCK, &set, NULL));
  CHECK(handled == ++count && handled_by[0] == 1);

  CHECK_SYS(kill(getpid(), SIGUSR2));
  CHECK(handled == count);
  for (int i = 0; i < THREADS; i++)
    gate_open(leave);
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(handled_by[1] == 1);
  return done();
}
