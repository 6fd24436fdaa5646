/*
 * Megabytes of frames, of calls of all sizes, by two processes at once and among signals; and of processes that are killed in the midst
 * of that: what they have counted is what came.
 */
#include "guest_tasks.h"

#include <sys/time.h>
#include <sys/uio.h>

#define ROUNDS 30000
#define VICTIMS 6

static volatile sig_atomic_t ticks;

static void on_tick(int signo) {
  (void)signo;
  ticks++;
}

/* Calls whose frames have 30 bytes to 70 KiB, and a sum of what they have told. */
static unsigned long fill(int zero, int random, int rounds) {
  static char bytes[70000];
  unsigned long sum = 0;
  for (int i = 0; i < rounds; i++) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    sum = sum * 31 + (unsigned long)now.tv_nsec;
    CHECK(read(zero, bytes, (size_t)(i % 700)) == i % 700);
    if (i % 50 == 0) {
      const size_t wanted = i % 1000 == 0 ? sizeof bytes : 200;
      /* A signal cuts a long one short. */
      const long got = CHECK_SYS(read(random, bytes, wanted));
      for (long at = 0; at < got; at += 97) sum = sum * 31 + (unsigned char)bytes[at];
    }
    if (i % 60 == 0) {
      struct iovec pieces[3] = {{bytes, 10}, {bytes + 5000, 3000}, {bytes + 100, 90}};
      CHECK(readv(random, pieces, 3) == 3100);
      sum = sum * 31 + (unsigned char)bytes[5123];
    }
    if (i % 500 == 0) close(CHECK_SYS(dup(zero)));
  }
  return sum;
}

int main(void) {
  const int zero = CHECK_SYS(open("/dev/zero", O_RDONLY));
  const int random = CHECK_SYS(open("/dev/urandom", O_RDONLY));
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    printf("the child sums up to %lx\n", fill(zero, random, ROUNDS));
    fflush(stdout);
    _exit(5);
  }
  signal(SIGALRM, on_tick);
  const struct itimerval every = {{0, 7000}, {0, 7000}};
  CHECK_SYS(setitimer(ITIMER_REAL, &every, NULL));
  const unsigned long sum = fill(zero, random, ROUNDS);
  const struct itimerval never = {{0, 0}, {0, 0}};
  CHECK_SYS(setitimer(ITIMER_REAL, &never, NULL));
  wait_exit(pid, 5);
  printf("sums up to %lx, %d ticks\n", sum, (int)ticks);

  long count = 0;
  for (int i = 0; i < VICTIMS; i++) {
    int ends[2];
    CHECK_SYS(pipe(ends));
    pid = CHECK_SYS(fork());
    if (pid == 0) {
      char bytes[300];
      for (;;) {
        CHECK(read(zero, bytes, sizeof bytes) == sizeof bytes);
        CHECK(write(ends[1], bytes, 1) == 1);
      }
    }
    close(ends[1]);
    char bytes[4096];
    long total = 0;
    while (total < 5000 * (i + 1)) total += CHECK_SYS(read(ends[0], bytes, sizeof bytes));
    CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
    for (long got; (got = CHECK_SYS(read(ends[0], bytes, sizeof bytes))) > 0;) total += got;
    close(ends[0]);
    count += total;
  }
  printf("%ld bytes have come\n", count);
  return done();
}
