/*
 * Two unrelated address spaces map one file shared: the child is the program executed again; they talk by stores
 * alone and a pipe.
 */
#include "guest.h"

#include <sys/mman.h>

static void turn(int out, int in) {
  CHECK(write(out, "!", 1) == 1);
  CHECK(read(in, (char[1]){0}, 1) == 1);
}

static volatile uint32_t *map(const char *path) {
  int fd = CHECK_SYS(open(path, O_RDWR));
  void *p = CHECK_SYS(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  CHECK_SYS(close(fd));
  return p;
}

int main(int argc, char **argv) {
  if (argc == 4) {
    volatile uint32_t *words = map(argv[1]);
    int in = atoi(argv[2]), out = atoi(argv[3]);
    for (uint32_t i = 0; i < 100; i++) {
      CHECK(read(in, (char[1]){0}, 1) == 1);
      CHECK(words[i] == i * 7);
      words[i] += (uint32_t)getpid();
      words[1024 + i] = i;
      CHECK(write(out, "!", 1) == 1);
    }
    return 0;
  }
  char path[PATH_MAX], number[2][16];
  snprintf(path, sizeof(path), "%s/f", tmpdir());
  int fd = CHECK_SYS(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(ftruncate(fd, 8192));
  volatile uint32_t *words = map(path);
  int there[2], back[2];
  CHECK_SYS(pipe(there));
  CHECK_SYS(pipe(back));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    snprintf(number[0], sizeof(number[0]), "%d", there[0]);
    snprintf(number[1], sizeof(number[1]), "%d", back[1]);
    execl("/proc/self/exe", argv[0], path, number[0], number[1], (char *)NULL);
    _exit(127);
  }
  for (uint32_t i = 0; i < 100; i++) {
    words[i] = i * 7;
    turn(there[1], back[0]);
    CHECK(words[i] == i * 7 + (uint32_t)child && words[1024 + i] == i);
  }
  wait_ok(child);
  mix((const void *)words, 8192);
  /* read sees what both stored. */
  uint32_t word;
  CHECK(pread(fd, &word, sizeof(word), 40) == sizeof(word) && word == 70 + (uint32_t)child);
  return done();
}
