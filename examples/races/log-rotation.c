/*
 * A statement that is executed while the log is rotated is missing from it: MySQL's bug 791, an atomicity violation.
 *
 * Rotating closes the log and opens the next one, under the log's lock. Whoever has something to log looks first, without
 * the lock, whether there is a log at all, and takes the moment in between for "logging is switched off".
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { STATEMENTS = 20 };

static struct {
  pthread_mutex_t lock;
  volatile bool is_open;
  int number;
  int events;
} binlog = {.lock = PTHREAD_MUTEX_INITIALIZER, .is_open = true};

static int rows;

static void log_event(void) {
  if (!binlog.is_open)
    return;
  pthread_mutex_lock(&binlog.lock);
  binlog.events++;
  pthread_mutex_unlock(&binlog.lock);
}

static void rotate_log(void) {
  pthread_mutex_lock(&binlog.lock);
  binlog.is_open = false;
  binlog.number++;
  binlog.is_open = true;
  pthread_mutex_unlock(&binlog.lock);
}

static void *execute_statements(void *arg) {
  (void)arg;
  for (int i = 0; i < STATEMENTS; i++) {
    rows++;
    log_event();
  }
  return NULL;
}

int main(void) {
  pthread_t client;
  if (pthread_create(&client, NULL, execute_statements, NULL) != 0)
    return 2;
  rotate_log();
  pthread_join(client, NULL);
  if (binlog.events != rows) {
    fprintf(stderr, "%d rows were written, %d are in the log\n", rows, binlog.events);
    return 1;
  }
  return 0;
}
