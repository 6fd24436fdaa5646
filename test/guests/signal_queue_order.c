/* Pending signals: realtime ones queue with their values and come lowest first, standard ones merge. */
#include "guest_tasks.h"

enum { EACH = 6 };

static volatile int got_signals[64], got_values[64];
static volatile int got;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)context;
  got_signals[got] = signal;
  got_values[got] = info->si_value.sival_int;
  got++;
}

static void queue_all(void) {
  got = 0;
  for (int i = 0; i < EACH; i++)
    for (int j = 2; j >= 0; j--)
      CHECK_SYS(sigqueue(getpid(), SIGRTMIN + j, (union sigval){.sival_int = 10 * j + i}));
  for (int i = 0; i < EACH; i++)
    CHECK_SYS(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 100 + i}));
}

static void check_order(void) {
  CHECK(got == 3 * EACH + 1);
  /* Of the merged ones, the first is kept. */
  CHECK(got_signals[0] == SIGUSR1 && got_values[0] == 100);
  for (int i = 0; i < 3 * EACH; i++)
    CHECK(got_signals[i + 1] == SIGRTMIN + i / EACH && got_values[i + 1] == 10 * (i / EACH) + i % EACH);
}

int main(void) {
  sigset_t set = signal_set(SIGUSR1), old, pending;
  for (int i = 0; i < 3; i++)
    sigaddset(&set, SIGRTMIN + i);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, &old));

  /* Everything blocked in the handlers: strictly one after the other. */
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigfillset(&action.sa_mask);
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  for (int i = 0; i < 3; i++)
    CHECK_SYS(sigaction(SIGRTMIN + i, &action, NULL));
  queue_all();
  CHECK(got == 0);
  CHECK_SYS(sigprocmask(SIG_SETMASK, &old, NULL));
  check_order();

  /* With empty masks the kernel piles up one frame of each number before any handler runs. */
  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  sigemptyset(&action.sa_mask);
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  for (int i = 0; i < 3; i++)
    CHECK_SYS(sigaction(SIGRTMIN + i, &action, NULL));
  queue_all();
  CHECK_SYS(sigprocmask(SIG_SETMASK, &old, NULL));
  CHECK(got == 3 * EACH + 1);
  for (int i = 0; i < got; i++)
    printf("%d ", got_values[i]);
  printf("\n");

  CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
  queue_all();
  CHECK_SYS(sigpending(&pending));
  CHECK(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGRTMIN + 2) && !sigismember(&pending, SIGUSR2));
  for (int i = 0; i < 3 * EACH + 1; i++) {
    siginfo_t info;
    int signal = CHECK_SYS(sigwaitinfo(&set, &info));
    on_signal(signal, &info, NULL);
    MIX(info);
  }
  check_order();

  struct rlimit none = {0, 0};
  CHECK_SYS(setrlimit(RLIMIT_SIGPENDING, &none));
  CHECK_ERRNO(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 1}), EAGAIN);
  /* A standard signal comes all the same, without its information. */
  CHECK_SYS(kill(getpid(), SIGUSR1));
  siginfo_t info;
  CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
  printf("without room: code %d pid %d\n", info.si_code, info.si_pid);
  return done();
}
