/* Makes the same calls over and over: what the agent is for. Ends with 7, at SIGTERM early. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int signo) {
  (void)signo;
  ended = 1;
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 1000;
  int pipes[2];
  if (pipe(pipes) != 0)
    return 1;
  signal(SIGTERM, end);
  for (int i = 0; i < rounds && !ended; i++) {
    char bytes[100];
    struct stat info;
    struct timespec now;
    struct pollfd ready = {pipes[0], POLLIN, 0};
    int file = open("/etc/passwd", O_RDONLY);
    if (read(file, bytes, sizeof bytes) < 0 || lseek(file, 0, SEEK_CUR) < 0)
      return 2;
    close(file);
    if (write(pipes[1], bytes, 10) != 10 || poll(&ready, 1, 1000) != 1 || read(pipes[0], bytes, 10) != 10)
      return 3;
    if (stat("/nowhere/at/all", &info) == 0 || stat("/etc", &info) != 0)
      return 4;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (getppid() < 0)
      return 5;
    if (i % 20 == 19)
      poll(NULL, 0, 1);
    if (i % 1000 == 0) {
      printf("%d\n", i);
      fflush(stdout);
    }
  }
  return 7;
}
