/* SIGSTOP and SIGCONT in quick succession to a process with threads that write, read, fork and make threads. */
#include "guest_tasks.h"

#define ROUNDS 2
#define STOPS 20

static void *nothing(void *arg) { return arg; }

static void *talks_to_itself(void *arg) {
  (void)arg;
  struct gate gate = gate_make();
  for (;;) {
    gate_open(gate);
    gate_wait(gate);
    sched_yield();
  }
}

static void *makes_threads(void *arg) {
  (void)arg;
  for (;;) {
    pthread_t thread;
    CHECK_ZERO(pthread_create(&thread, NULL, nothing, NULL));
    CHECK_ZERO(pthread_join(thread, NULL));
  }
}

static void child(void) {
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, talks_to_itself, NULL));
  CHECK_ZERO(pthread_create(&thread, NULL, talks_to_itself, NULL));
  CHECK_ZERO(pthread_create(&thread, NULL, makes_threads, NULL));
  for (;;) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      _exit(0);
    wait_ok(pid);
  }
}

int main(void) {
  unsigned seed = (unsigned)now_us();
  for (int round = 0; round < ROUNDS; round++) {
    int status;
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      child();
    for (int i = 0; i < STOPS; i++) {
      nap_us(rand_r(&seed) % 1500);
      CHECK_SYS(kill(pid, SIGSTOP));
      if (rand_r(&seed) % 2)
        CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
      nap_us(rand_r(&seed) % 1000);
      CHECK_SYS(kill(pid, SIGCONT));
    }
    CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
  }
  return done();
}
