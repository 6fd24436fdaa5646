/* poll, ppoll and select of more descriptors than anybody keeps a copy of, alone and with a thread beside; of impossible many. */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/select.h>

#define MANY 4000
#define SOME 100
#define RAW_BYTES (65536 / 8)

static int ready[2], silent[2], never[2];
static struct pollfd set[MANY];

static void *beside(void *arg) {
  char byte;
  CHECK(read(never[0], &byte, 1) == 0);
  return arg;
}

/* Most are left out; the last of `count` has something to read if `more`. */
static void fill(int count, int more) {
  for (int i = 0; i < MANY; i++)
    set[i] = (struct pollfd){i % 40 == 0 ? silent[0] : -1, POLLIN, 0x55};
  set[count - 1] = (struct pollfd){more ? ready[0] : silent[0], POLLIN, 0x55};
}

static void look(int count, int more, long result) {
  CHECK(result == more);
  CHECK(set[count - 1].revents == (more ? POLLIN : 0) && set[0].revents == 0);
  MIX(set);
}

static void poll_all(int count) {
  for (int more = 0; more < 2; more++) {
    for (int wait = 0; wait <= 10; wait += 10) {
      struct timespec limit = {.tv_nsec = wait * 1000000};
      fill(count, more);
      look(count, more, raw_syscall(SYS_poll, (long)set, count, wait, 0, 0, 0));
      fill(count, more);
      look(count, more, raw_syscall(SYS_ppoll, (long)set, count, (long)&limit, 0, 8, 0));
    }
  }
}

static void poll_impossible(void) {
  const long counts[] = {4097, 0x7fffffff, 0x80000000, 0xffffffff, -1};
  struct timespec none = {0};
  fill(MANY, 1);
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    CHECK(raw_syscall(SYS_poll, (long)set, counts[i], 0, 0, 0, 0) == -EINVAL);
    CHECK(raw_syscall(SYS_poll, (long)set, counts[i], 10, 0, 0, 0) == -EINVAL);
    CHECK(raw_syscall(SYS_ppoll, (long)set, counts[i], (long)&none, 0, 8, 0) == -EINVAL);
  }
  CHECK(raw_syscall(SYS_poll, 0, 0, 0, 0, 0, 0) == 0);
  MIX(set);
}

static void select_all(void) {
  static unsigned char in[RAW_BYTES], out[RAW_BYTES];
  const long counts[] = {ready[0] + 1, 1000, 1024, 1025, 4096};
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    for (int wait = 0; wait <= 10; wait += 10) {
      struct timeval limit = {.tv_usec = wait * 1000};
      struct timespec exact = {.tv_nsec = wait * 1000000};
      memset(in, 0, sizeof(in));
      memset(out, 0, sizeof(out));
      in[ready[0] / 8] = (unsigned char)(1 << ready[0] % 8);
      CHECK(raw_syscall(SYS_select, counts[i], (long)in, (long)out, 0, (long)&limit, 0) == 1);
      in[ready[0] / 8] = 0;
      in[silent[0] / 8] = (unsigned char)(1 << silent[0] % 8);
      CHECK(raw_syscall(SYS_pselect6, counts[i], (long)in, (long)out, 0, (long)&exact, 0) == 0);
      mix(in, sizeof(in));
      mix(out, sizeof(out));
    }
  }
  struct timeval none = {0};
  memset(in, 0xff, sizeof(in));
  CHECK(raw_syscall(SYS_select, -1, (long)in, (long)out, 0, (long)&none, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_select, INT_MIN, (long)in, (long)out, 0, (long)&none, 0) == -EINVAL);
  mix(in, sizeof(in));
}

static void all(void) {
  poll_all(SOME);
  poll_all(MANY);
  poll_impossible();
  select_all();
}

int main(void) {
  struct rlimit limit;
  CHECK_SYS(getrlimit(RLIMIT_NOFILE, &limit));
  if (limit.rlim_max < 4096)
    skip("no 4,096 descriptors");
  /* poll takes no more entries than that. */
  limit.rlim_cur = 4096;
  CHECK_SYS(setrlimit(RLIMIT_NOFILE, &limit));
  CHECK_SYS(pipe(ready));
  CHECK_SYS(pipe(silent));
  CHECK_SYS(pipe(never));
  CHECK(write(ready[1], "x", 1) == 1);
  all();
  pthread_t thread;
  CHECK_ZERO(pthread_create(&thread, NULL, beside, NULL));
  all();
  CHECK_SYS(close(never[1]));
  CHECK_ZERO(pthread_join(thread, NULL));
  return done();
}
