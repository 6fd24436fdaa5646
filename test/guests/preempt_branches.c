/* A loop whose branches go by random numbers, stopped by a timer five times. */
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int signo) {
  (void)signo;
  alarms++;
}

int main(void) {
  const struct itimerval each = {.it_interval = {0, 30000}, .it_value = {0, 30000}};
  unsigned long seed = 1, odd = 0, rounds = 0;
  signal(SIGALRM, on_alarm);
  setitimer(ITIMER_REAL, &each, NULL);
  while (alarms < 5) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    if (seed >> 63) odd++;
    if (seed >> 61 == 5) odd += 2;
    rounds++;
  }
  printf("preempt_branches ok\n%lu of %lu\n", odd, rounds);
  return 0;
}
