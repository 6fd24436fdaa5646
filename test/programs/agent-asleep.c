/*
 * Sleeps in one call after the other that changes memory when it is interrupted: what stands there before is stale on
 * purpose. Each wait says its number, and ends with SIGTERM's handler. Ends with 7.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOUR = 3600 };

/* The first signal may come just before the call is made: others follow. */
static void on_term(int signal) {
  const struct itimerval again = {{0, 50000}, {0, 50000}};
  if (signal == SIGTERM)
    setitimer(ITIMER_REAL, &again, NULL);
}

static void ended(long result, const void *memory, size_t size) {
  const struct itimerval none = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &none, NULL);
  unsigned long sum = 5381;
  for (size_t i = 0; i < size; i++)
    sum = sum * 33 + ((const unsigned char *)memory)[i];
  printf("%ld %s %lx\n", result, strerrorname_np(errno), sum);
  fflush(stdout);
}

static void says(int number) {
  printf("wait %d\n", number);
  fflush(stdout);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_term};
  int ends[2], also[2];
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  if (pipe(ends) != 0 || pipe(also) != 0)
    return 1;
  struct pollfd polled[2] = {{ends[0], POLLIN, POLLIN | POLLHUP}, {-1, POLLIN, POLLERR}};
  says(1);
  ended(poll(polled, 2, HOUR * 1000), polled, sizeof polled);

  struct timespec left = {HOUR, 0}, rest = {11, 12};
  polled[0].revents = polled[1].revents = POLLIN;
  says(2);
  ended(syscall(SYS_ppoll, polled, 2, &left, NULL, 8), polled, sizeof polled);
  ended(0, &left, sizeof left);

  struct timeval limit = {HOUR, 0};
  says(3);
  ended(syscall(SYS_select, 0, NULL, NULL, NULL, &limit), &limit, sizeof limit);

  left = (struct timespec){HOUR, 0};
  says(4);
  ended(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &left, NULL), &left, sizeof left);

  left = (struct timespec){HOUR, 0};
  says(5);
  ended(syscall(SYS_nanosleep, &left, &rest), &rest, sizeof rest);

  left = (struct timespec){HOUR, 0};
  says(6);
  ended(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &left, &left), &left, sizeof left);

  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(also[1]);
    signal(SIGTERM, SIG_IGN);
    _exit((int)read(also[0], &byte, 1));
  }
  siginfo_t info;
  memset(&info, 0x5a, sizeof info);
  says(7);
  ended(waitid(P_PID, (id_t)child, &info, WEXITED), &info, sizeof info);
  close(also[1]);
  if (waitpid(child, NULL, 0) != child)
    return 1;
  return 7;
}
