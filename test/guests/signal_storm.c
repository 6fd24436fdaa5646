/* Three children send hundreds of signals while the parent makes one syscall after another. */
#include "guest_tasks.h"

enum { SENDERS = 3, EACH = 200 };

static volatile sig_atomic_t usr1, usr2, realtime;
static volatile long calls, at_signal[SENDERS * EACH];
static volatile int next_value[SENDERS];

static void on_usr(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  if (signal == SIGUSR1)
    usr1++;
  else
    usr2++;
}

static void on_realtime(int signal, siginfo_t *info, void *context) {
  int value = info->si_value.sival_int, sender = value / EACH;
  (void)signal, (void)context;
  /* In each sender's order. */
  if (value % EACH != next_value[sender])
    _exit(93);
  next_value[sender]++;
  at_signal[realtime] = calls * 10 + sender;
  realtime++;
}

int main(void) {
  handle(SIGUSR1, on_usr, SA_RESTART);
  handle(SIGUSR2, on_usr, SA_RESTART);
  handle(SIGRTMIN, on_realtime, SA_RESTART);
  pid_t parent = getpid(), pids[SENDERS];
  for (int i = 0; i < SENDERS; i++) {
    pids[i] = CHECK_SYS(fork());
    if (pids[i] == 0) {
      for (int j = 0; j < EACH; j++) {
        CHECK_SYS(sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i * EACH + j}));
        CHECK_SYS(kill(parent, j % 2 ? SIGUSR1 : SIGUSR2));
        if (j % 10 == 0)
          sched_yield();
      }
      _exit(0);
    }
  }
  int fds[2];
  CHECK_SYS(pipe(fds));
  while (realtime < SENDERS * EACH) {
    char bytes[64];
    CHECK(write(fds[1], "some bytes", 10) == 10);
    CHECK(read(fds[0], bytes, sizeof(bytes)) == 10);
    CHECK(getppid() >= 0);
    calls++;
  }
  for (int i = 0; i < SENDERS; i++)
    wait_exit(pids[i], 0);
  CHECK(realtime == SENDERS * EACH && usr1 > 0 && usr1 <= SENDERS * EACH / 2 && usr2 > 0);
  printf("%ld rounds, %d and %d of the mergeable ones came through\n", calls, (int)usr1, (int)usr2);
  mix((const void *)at_signal, sizeof(at_signal));
  return done();
}
