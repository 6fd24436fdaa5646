/*
 * Four processes that do nothing but make others, for tests that let them go while one is being made.
 *
 * Usage: forks FILE. They go on until there is FILE. A third of the children executes this file anew, a third another
 * one. Each checks what it computes: the program ends with `forks ok` and status 0.
 */
#include "../guests/guest.h"

#include <time.h>

enum { PARENTS = 4, LEAST = 50, CALLS = 20, CODE = 7 };

static int work(void) {
  int calls = 0, fds[2];
  char text[16];
  for (int i = 0; i < CALLS; i++) {
    struct timespec now;
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    calls += getppid() > 0;
  }
  CHECK(calls == CALLS);
  CHECK_SYS(pipe(fds));
  CHECK(write(fds[1], "hello", 5) == 5);
  CHECK(read(fds[0], text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
  return CODE;
}

static void make(const char *until) {
  for (int i = 0; i < LEAST || access(until, F_OK) != 0; i++) {
    const pid_t child = CHECK_SYS(fork());
    if (child == 0) {
      if (i % 3 == 1)
        execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
      if (i % 3 == 2)
        execl("/proc/self/exe", "forks", (char *)NULL);
      _exit(work());
    }
    int status;
    CHECK(TEMP_FAILURE_RETRY(waitpid(child, &status, 0)) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != CODE) {
      fprintf(stderr, "a child of kind %d ended with status %x\n", i % 3, status);
      _exit(1);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 2)
    return work();
  setvbuf(stdout, NULL, _IONBF, 0);
  for (int i = 0; i < PARENTS; i++) {
    if (CHECK_SYS(fork()) == 0) {
      make(argv[1]);
      _exit(0);
    }
  }
  printf("forks begin\n");
  for (int i = 0, status; i < PARENTS; i++) {
    CHECK_SYS(wait(&status));
    CHECK(status == 0);
  }
  printf("forks ok\n");
  return 0;
}
