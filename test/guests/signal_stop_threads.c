/* Stopping a process stops all its threads, whatever they do, and continuing lets all of them run on. */
#include "guest_tasks.h"

enum { THREADS = 4 };

static int output[2];

static void *writes(void *arg) {
  char which = (char)('a' + (long)arg);
  for (;;) {
    CHECK(write(output[1], &which, 1) == 1);
    sched_yield();
  }
  return NULL;
}

static void *sleeps(void *arg) {
  for (;;)
    pause();
  return arg;
}

static void child(void) {
  pthread_t thread;
  for (long i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&thread, NULL, i % 2 ? sleeps : writes, (void *)i));
  writes((void *)9L);
}

/* Reads until the pipe is empty; returns how many bytes of each thread there were. */
static long drain(long *of_main) {
  char bytes[4096];
  ssize_t size;
  long total = 0;
  while ((size = read(output[0], bytes, sizeof(bytes))) > 0) {
    mix(bytes, size);
    for (ssize_t i = 0; i < size; i++)
      *of_main += bytes[i] == 'j';
    total += size;
  }
  CHECK(size < 0 && errno == EAGAIN);
  return total;
}

int main(void) {
  CHECK_SYS(pipe(output));
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    child();
  CHECK_SYS(fcntl(output[0], F_SETFL, O_NONBLOCK));
  for (int round = 0; round < 4; round++) {
    int status;
    long of_main = 0, total = 0;
    while (of_main == 0 || total == of_main) {
      total += drain(&of_main);
      nap_us(200);
    }
    CHECK_SYS(kill(pid, SIGSTOP));
    CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    total += drain(&of_main);
    /* Nothing comes any more. */
    nap_us(2000);
    CHECK(drain(&of_main) == 0);
    printf("%ld bytes, %ld of the first thread\n", total, of_main);
    CHECK_SYS(kill(pid, SIGCONT));
    CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
  }
  CHECK_SYS(kill(pid, SIGSTOP));
  CHECK_SYS(kill(pid, SIGTERM));
  CHECK_SYS(kill(pid, SIGCONT));
  wait_killed(pid, SIGTERM);
  return done();
}
