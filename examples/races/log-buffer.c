/*
 * Two requests write over each other's line in the buffer of the access log: Apache's bug 25520, an atomicity violation.
 *
 * A line is copied behind what is in the buffer, and then the length is raised. Nothing keeps another thread from doing
 * the same in between.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 2, LINES = 2, LINE = 16, HEADERS = 200000 };

static struct {
  size_t length;
  char text[(1 + THREADS * LINES) * LINE];
} buffer;

__attribute__((noinline)) static void write_line(const char *line) {
  size_t length = strlen(line);
  memcpy(buffer.text + buffer.length, line, length);
  buffer.length += length;
}

static void *handle_requests(void *arg) {
  for (int i = 0; i < LINES; i++)
    write_line(arg);
  return NULL;
}

/* What it takes to read the next request: one seldom comes right behind another. */
__attribute__((noinline)) static unsigned read_request(void) {
  unsigned hash = 1;
  for (int i = 0; i < HEADERS; i++)
    hash = hash * 31 + (unsigned)i;
  return hash;
}

int main(void) {
  static const char *const lines[THREADS] = {"GET /a HTTP/1.1\n", "GET /b HTTP/1.1\n"};
  write_line("server starts.\n\n");
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    if (i > 0 && read_request() == 0)
      return 2;
    if (pthread_create(&threads[i], NULL, handle_requests, (void *)lines[i]) != 0)
      return 2;
  }
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  int seen[THREADS] = {0};
  for (size_t at = LINE; at < buffer.length; at += LINE) {
    for (int i = 0; i < THREADS; i++)
      seen[i] += memcmp(buffer.text + at, lines[i], LINE) == 0;
  }
  if (buffer.length != sizeof buffer.text || seen[0] != LINES || seen[1] != LINES) {
    fprintf(stderr, "%zu bytes in the log, %d and %d whole lines\n", buffer.length, seen[0], seen[1]);
    return 1;
  }
  return 0;
}
