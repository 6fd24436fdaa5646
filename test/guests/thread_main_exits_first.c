/* The first thread ends with pthread_exit; the process goes on, its first task a zombie, until the last thread ends. */
#include "guest_tasks.h"

static pthread_t first;
static volatile int work_done;

static void *outlives(void *arg) {
  pid_t leader = getpid();
  void *result;
  CHECK_ZERO(pthread_join(first, &result));
  CHECK(result == (void *)77);
  while (task_state(leader) != 'Z')
    sched_yield();
  printf("thread %d: first task %d is in state %c\n", gettid(), leader, task_state(leader));
  CHECK(gettid() != leader && getpid() == leader);
  CHECK_SYS(kill(leader, 0));

  /* The process is whole otherwise: it has children and handlers, and makes threads. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK(getpid() == gettid());
    _exit(19);
  }
  wait_exit(pid, 19);
  work_done = 1;
  return arg;
}

static void *last(void *arg) {
  while (!work_done)
    sched_yield();
  long code = (long)arg;
  if (code < 0)
    return NULL;
  exit(code == 0 ? done() : (int)code);
}

static void leave_first(long code) {
  pthread_t thread;
  first = pthread_self();
  CHECK_ZERO(pthread_create(&thread, NULL, outlives, NULL));
  CHECK_ZERO(pthread_create(&thread, NULL, last, (void *)code));
  pthread_exit((void *)77);
}

int main(void) {
  /* The last thread to end decides nothing by returning: the status is the first one's 0. */
  static const long codes[] = {-1, 31};
  for (int i = 0; i < 2; i++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      leave_first(codes[i]);
    wait_exit(pid, codes[i] < 0 ? 0 : (int)codes[i]);
  }
  leave_first(0);
}
