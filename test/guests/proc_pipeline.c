/* Five processes in a row pass on a megabyte, each changing every byte. */
#include "guest_tasks.h"

enum { STAGES = 5, SIZE = 1 << 20 };

static unsigned long fold(unsigned long sum, const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    sum = sum * 31 + bytes[i];
  return sum;
}

static void write_all(int fd, const unsigned char *bytes, size_t size) {
  while (size > 0) {
    ssize_t written = CHECK_SYS(write(fd, bytes, size));
    bytes += written;
    size -= written;
  }
}

static void source(int out, uint64_t seed) {
  unsigned char bytes[3000];
  for (size_t left = SIZE; left > 0;) {
    size_t size = left < sizeof(bytes) ? left : sizeof(bytes);
    for (size_t i = 0; i < size; i++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bytes[i] = seed >> 56;
    }
    write_all(out, bytes, size);
    left -= size;
  }
}

static long filter(int in, int out, int stage) {
  unsigned char bytes[1 << 15];
  ssize_t size;
  long reads = 0;
  while ((size = CHECK_SYS(read(in, bytes, sizeof(bytes) >> stage))) > 0) {
    for (ssize_t i = 0; i < size; i++)
      bytes[i] += stage;
    write_all(out, bytes, size);
    reads++;
  }
  return reads;
}

int main(void) {
  uint64_t seed = (uint64_t)getpid() << 32 ^ now_us();
  pid_t pids[STAGES];
  int in = -1;
  for (int stage = 0; stage < STAGES; stage++) {
    int fds[2];
    CHECK_SYS(pipe(fds));
    pids[stage] = CHECK_SYS(fork());
    if (pids[stage] == 0) {
      close(fds[0]);
      if (stage == 0)
        source(fds[1], seed);
      else
        printf("stage %d took %ld reads\n", stage, filter(in, fds[1], stage));
      _exit(stage);
    }
    close(fds[1]);
    if (in >= 0)
      close(in);
    in = fds[0];
  }
  static unsigned char got[SIZE + 1], expected[SIZE];
  size_t total = 0;
  long reads = 0;
  ssize_t size;
  while ((size = CHECK_SYS(read(in, got + total, sizeof(got) - total))) > 0) {
    total += size;
    reads++;
  }
  CHECK(total == SIZE);
  for (int stage = 0; stage < STAGES; stage++)
    wait_exit(pids[stage], stage);
  for (size_t i = 0; i < SIZE; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    expected[i] = (seed >> 56) + 1 + 2 + 3 + 4;
  }
  CHECK(memcmp(got, expected, SIZE) == 0);
  printf("sum %lx in %ld reads\n", fold(7, got, SIZE), reads);
  return done();
}
