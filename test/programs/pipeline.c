/*
 * Four processes in a row with pipes between them, all of them full when it says that it rests: the writers sleep in the
 * middle of writes that are larger than a pipe. Goes on when a byte comes, and checks all that arrives, and the ends of
 * its children. Ends with 6.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STAGES = 3, TOTAL = 3 << 20, LARGE = 1 << 20 };

static int pipes[STAGES][2];

static unsigned char byte_at(long i) { return (unsigned char)(i * 7 + (i >> 8) + (i >> 16)); }

static void need(int is, const char *what) {
  if (is) return;
  printf("%s: wrong\n", what);
  exit(1);
}

static void write_all(int fd, const unsigned char *from, size_t size) {
  while (size > 0) {
    ssize_t done = write(fd, from, size);
    need(done > 0, "write");
    from += done;
    size -= done;
  }
}

/* Writes all at once: a write that comes back early is a mistake. */
static void generate(int to) {
  static unsigned char bytes[LARGE];
  for (long at = 0; at < TOTAL; at += LARGE) {
    for (long i = 0; i < LARGE; i++) bytes[i] = byte_at(at + i);
    need(write(to, bytes, LARGE) == LARGE, "a whole write");
  }
}

static void copy(int from, int to, int in_parts) {
  static unsigned char bytes[100000];
  ssize_t got;
  while ((got = read(from, bytes, sizeof bytes)) > 0) {
    if (!in_parts) {
      write_all(to, bytes, got);
      continue;
    }
    struct iovec parts[2] = {{bytes, got / 3}, {bytes + got / 3, got - got / 3}};
    need(writev(to, parts, 2) == got, "a whole writev");
  }
}

static pid_t start(int stage) {
  pid_t child = fork();
  if (child != 0) return child;
  int to = pipes[stage][1];
  int from = stage > 0 ? pipes[stage - 1][0] : -1;
  for (int i = 0; i < STAGES; i++) {
    if (pipes[i][0] != from) close(pipes[i][0]);
    if (pipes[i][1] != to) close(pipes[i][1]);
  }
  if (stage == 0) generate(to);
  else copy(from, to, stage == 2);
  _exit(10 + stage);
}

int main(void) {
  pid_t children[STAGES];
  const pid_t self = getpid();
  char program[2][500] = {{0}};
  need(readlink("/proc/self/exe", program[0], 499) > 0, "its program");
  for (int i = 0; i < STAGES; i++) need(pipe(pipes[i]) == 0, "pipe");
  for (int i = 0; i < STAGES; i++) children[i] = start(i);
  for (int i = 0; i < STAGES; i++) {
    struct pollfd full = {.fd = pipes[i][1], .events = POLLOUT};
    while (poll(&full, 1, 0) != 0) usleep(1000);
  }
  for (int i = 0; i < STAGES; i++) close(pipes[i][1]);
  close(pipes[0][0]);
  close(pipes[1][0]);
  puts("rests");
  fflush(stdout);
  char go;
  need(read(0, &go, 1) == 1, "go");
  need(getpid() == self, "its id");
  need(readlink("/proc/self/exe", program[1], 499) > 0 && !strcmp(program[0], program[1]), "its program");
  long at = 0;
  unsigned char bytes[5000];
  ssize_t got;
  while ((got = read(pipes[2][0], bytes, sizeof bytes)) > 0)
    for (ssize_t i = 0; i < got; i++, at++) need(bytes[i] == byte_at(at), "what arrives");
  need(at == TOTAL, "all of it");
  for (int i = 0; i < STAGES; i++) {
    int status = 0;
    need(waitpid(children[i], &status, 0) == children[i], "a child");
    need(WIFEXITED(status) && WEXITSTATUS(status) == 10 + i, "its status");
  }
  puts("all arrived");
  return 6;
}
