/* Waits in the calls and signals a test asks for.
 * argv[1]: "read" blocks in read(0); "pause" blocks in pause(); "raise" sends itself SIGUSR1, whose handler counts and
 * which ends with status 3 if it ran once with si_code SI_TKILL; "sleep" sleeps 50 ms and ends with status 7 if the call
 * returned 0; "ignore-trap" ignores SIGTRAP, pauses, and ends with 5 if it's still ignored. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int handled;
static volatile int code;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  handled++;
  code = info->si_code;
}

int main(int argc, char **argv) {
  if (argc < 2) return 99;
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  if (strcmp(argv[1], "read") == 0) {
    char byte;
    ssize_t count = read(0, &byte, 1);
    return count == 1 ? 10 + handled : errno == EINTR ? 1 : 2;
  }
  if (strcmp(argv[1], "raise") == 0) {
    syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1);
    return handled == 1 && code == SI_TKILL ? 3 : 4;
  }
  if (strcmp(argv[1], "sleep") == 0) {
    struct timespec time = {0, 50 * 1000 * 1000};
    return nanosleep(&time, NULL) == 0 ? 7 : 8;
  }
  if (strcmp(argv[1], "ignore-trap") == 0) {
    signal(SIGTRAP, SIG_IGN);
    syscall(SYS_getppid);
    sigaction(SIGTRAP, NULL, &action);
    return action.sa_handler == SIG_IGN ? 5 : 6;
  }
  for (;;) pause();
}
