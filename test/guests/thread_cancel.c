/* pthread_cancel, a signal of libc's own: deferred at blocking calls, asynchronous, disabled; cleanup handlers run. */
#include "guest_tasks.h"

#include <poll.h>
#include <semaphore.h>

enum kind { IN_READ, IN_NANOSLEEP, IN_COND, IN_SEM, IN_PAUSE, IN_POLL, IN_WAIT, IN_JOIN, KINDS };

static struct gate ready, never;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static volatile int cleaned;
static volatile long spins;

static void cleanup(void *arg) {
  cleaned += (int)(long)arg;
  if ((long)arg == 100)
    pthread_mutex_unlock(&lock);
}

static void *idle(void *arg) {
  gate_wait(never);
  return arg;
}

static void *blocks(void *arg) {
  char byte;
  pthread_t other;
  pthread_cleanup_push(cleanup, (void *)1L);
  pthread_cleanup_push(cleanup, (void *)10L);
  gate_open(ready);
  switch ((enum kind)(long)arg) {
  case IN_READ:
    (void)!read(never.ends[0], &byte, 1);
    break;
  case IN_NANOSLEEP:
    nap_us(60 * 1000000L);
    break;
  case IN_COND:
    pthread_mutex_lock(&lock);
    pthread_cleanup_push(cleanup, (void *)100L);
    pthread_cond_wait(&cond, &lock);
    pthread_cleanup_pop(0);
    break;
  case IN_SEM:
    sem_wait(&semaphore);
    break;
  case IN_PAUSE:
    pause();
    break;
  case IN_POLL:
    poll(NULL, 0, 60000);
    break;
  case IN_WAIT:
    waitpid(-1, NULL, 0);
    break;
  case IN_JOIN:
    CHECK_ZERO(pthread_create(&other, NULL, idle, NULL));
    pthread_join(other, NULL);
    break;
  default:
    break;
  }
  pthread_cleanup_pop(1);
  pthread_cleanup_pop(1);
  return NULL;
}

static void *asynchronous(void *arg) {
  CHECK_ZERO(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
  gate_open(ready);
  for (;;) {
    spins++;
    raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
  }
  return arg;
}

static void *disabled_first(void *arg) {
  char byte;
  CHECK_ZERO(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
  gate_open(ready);
  CHECK(read(((struct gate *)arg)->ends[0], &byte, 1) == 1);
  cleaned = 1000;
  CHECK_ZERO(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL));
  pthread_testcancel();
  cleaned = 2000;
  return arg;
}

static void cancel(pthread_t thread) {
  void *result;
  CHECK_ZERO(pthread_cancel(thread));
  CHECK_ZERO(pthread_join(thread, &result));
  CHECK(result == PTHREAD_CANCELED);
}

int main(void) {
  pthread_t thread;
  ready = gate_make();
  never = gate_make();
  CHECK_SYS(sem_init(&semaphore, 0, 0));
  pid_t own = getpid(), child = CHECK_SYS(fork());
  if (child == 0) {
    die_with_parent(own);
    for (;;)
      pause();
  }
  for (long kind = 0; kind < KINDS; kind++) {
    cleaned = 0;
    CHECK_ZERO(pthread_create(&thread, NULL, blocks, (void *)kind));
    gate_wait(ready);
    if (kind % 2)
      nap_us(1000);
    cancel(thread);
    /* The write that opens the gate is a place to be cancelled in, too. */
    CHECK(cleaned == 11 || (kind == IN_COND && cleaned == 111));
    printf("kind %ld: cleaned %d\n", kind, cleaned);
  }
  CHECK_ZERO(pthread_create(&thread, NULL, asynchronous, NULL));
  gate_wait(ready);
  while (spins < 5)
    sched_yield();
  cancel(thread);
  printf("%ld spins before the asynchronous one\n", spins);

  struct gate gate = gate_make();
  CHECK_ZERO(pthread_create(&thread, NULL, disabled_first, &gate));
  gate_wait(ready);
  CHECK_ZERO(pthread_cancel(thread));
  gate_open(gate);
  void *result;
  CHECK_ZERO(pthread_join(thread, &result));
  CHECK(result == PTHREAD_CANCELED && cleaned == 1000);
  CHECK_SYS(kill(child, SIGKILL));
  wait_killed(child, SIGKILL);
  return done();
}
