/* Uses what it had before it rested: a file in its middle, a pipe with something in it, timers, signals, directories. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;
static void handler(int signo) { alarms += signo; }
static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

int main(int argc, char **argv) {
  if (argc != 1) return 2;
  char text[200] = "";
  int both[2], pair[2];
  mkdir("inside", 0755);
  chdir("inside");
  umask(057);
  int file = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(file, "first second third\n", 19);
  lseek(file, 6, SEEK_SET);
  int same = fcntl(file, F_DUPFD_CLOEXEC, 20);
  int log = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  write(log, "one\n", 4);
  pipe(both);
  write(both[1], "waiting in the pipe", 19);
  read(both[0], text, 8);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  write(pair[0], "waiting in the socket", 21);
  int set = epoll_create1(0);
  int event = eventfd(0, EFD_NONBLOCK);
  struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = 77}, got = {0};
  epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted);
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec far = {.it_value = {3600, 0}};
  timerfd_settime(timer, 0, &far, NULL);
  struct itimerval later = {.it_value = {3600, 0}};
  setitimer(ITIMER_REAL, &later, NULL);
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGALRM, &action, NULL);
  sigset_t mask, now;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  char *heap = malloc(50000);
  memset(heap, 7, 50000);

  write(1, "rests\n", 6);
  if (read(0, text, 1) != 1) return 1;

  memset(text, 0, sizeof text);
  check(read(same, text, 6) == 6 && !strcmp(text, "second"), "offset");
  check(lseek(file, 0, SEEK_CUR) == 12, "shared offset");
  check(fcntl(same, F_GETFD) == FD_CLOEXEC && fcntl(file, F_GETFD) == 0, "close-on-exec");
  check(write(log, "two\n", 4) == 4 && lseek(log, 0, SEEK_CUR) == 8, "append");
  memset(text, 0, sizeof text);
  check(read(both[0], text, 100) == 11 && !strcmp(text, "in the pipe"), "pipe");
  memset(text, 0, sizeof text);
  check(read(pair[1], text, 100) == 21 && !strcmp(text, "waiting in the socket"), "socket pair");
  eventfd_write(event, 1);
  check(epoll_wait(set, &got, 1, 0) == 1 && got.data.u64 == 77, "epoll");
  check(epoll_ctl(set, EPOLL_CTL_DEL, event, NULL) == 0, "epoll entry");
  check(timerfd_gettime(timer, &far) == 0 && far.it_value.tv_sec > 3000, "timerfd");
  check(getitimer(ITIMER_REAL, &later) == 0 && later.it_value.tv_sec > 3000, "interval timer");
  raise(SIGALRM);
  check(alarms == SIGALRM, "handler");
  check(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 1, "mask");
  check(umask(0) == 057, "umask");
  check(getcwd(text, sizeof text) != NULL && strstr(text, "/inside") != NULL, "directory");
  FILE *more = fopen("/proc/self/status", "r");
  int traced = 1;
  while (more != NULL && fgets(text, sizeof text, more)) sscanf(text, "TracerPid: %d", &traced);
  check(traced == 0, "no tracer");
  int arguments = open("/proc/self/cmdline", O_RDONLY);
  memset(text, 0, sizeof text);
  check(read(arguments, text, sizeof text - 1) > 0 && !strcmp(text, argv[0]), "arguments");
  heap = realloc(heap, 3000000);
  check(heap != NULL && heap[49999] == 7, "heap");
  unsigned low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  check(time(NULL) > 1000, "time");
  return 7;
}
