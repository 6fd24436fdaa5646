/* A stop that is sent right behind a SIGCONT, which has a handler: it is not undone by what has been sent before. */
#include "guest_tasks.h"

#define ROUNDS 150

static volatile sig_atomic_t continued;

static void on_cont(int signal) {
  (void)signal;
  continued++;
}

static void *calls(void *arg) {
  for (;;)
    sched_yield();
  return arg;
}

static void child(int threads) {
  pthread_t thread;
  signal(SIGCONT, on_cont);
  for (int i = 1; i < threads; i++)
    CHECK_ZERO(pthread_create(&thread, NULL, calls, NULL));
  calls(NULL);
}

int main(void) {
  unsigned seed = (unsigned)now_us();
  for (int threads = 1; threads <= 2; threads++) {
    int status;
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      child(threads);
    for (int i = 0; i < ROUNDS; i++) {
      CHECK_SYS(kill(pid, SIGCONT));
      for (int calls = rand_r(&seed) % 4; calls > 0; calls--)
        sched_yield();
      CHECK_SYS(kill(pid, SIGSTOP));
      CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    }
    CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
  }
  return done();
}
