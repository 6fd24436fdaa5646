/* Computes N steps while SIGALRM comes every millisecond. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static volatile unsigned long ticks;

static void on_alarm(int signal) {
  (void)signal;
  ticks++;
}

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 500000000;
  struct sigaction action;
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  volatile unsigned long own = 88172645463325252ul;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &timer, NULL) != 0) return 1;
  for (long i = 0; i < count; i++) own = own * 6364136223846793005ul + ticks;
  return 0;
}
