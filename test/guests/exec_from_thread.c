/* exec by another thread than the first: it takes over the process's pid as its tid, whatever the first one is doing.
 */
#include "guest_tasks.h"

enum stage { LEADER_JOINS = 1, LEADER_SPINS, LEADER_ENDED, LEADER_SLEEPS, FINISHED };

struct request {
  int stage;
  struct gate ready;
};

static void *executes(void *arg) {
  struct request *request = arg;
  char stage[16], pid[16], tid[16];
  gate_wait(request->ready);
  /* So that a leader that is to block or end has done so. */
  if (request->stage == LEADER_ENDED)
    while (task_state(getpid()) != 'Z')
      sched_yield();
  else
    nap_us(1000);
  CHECK(gettid() != getpid());
  snprintf(stage, sizeof(stage), "%d", request->stage + 1);
  snprintf(pid, sizeof(pid), "%d", getpid());
  snprintf(tid, sizeof(tid), "%d", gettid());
  printf("stage %s: thread %s of %s executes\n", stage, tid, pid);
  execl(self_path(), "self", stage, pid, tid, NULL);
  CHECK(0 && "exec");
}

static void *bystander(void *arg) {
  for (;;)
    sched_yield();
  return arg;
}

int main(int argc, char **argv) {
  static struct request request = {.stage = LEADER_JOINS};
  if (argc > 1) {
    request.stage = atoi(argv[1]);
    CHECK(argc == 4 && getpid() == atoi(argv[2]) && gettid() == getpid());
    /* The old tid is nobody's now. */
    CHECK_ERRNO(syscall(SYS_tgkill, getpid(), atoi(argv[3]), 0), ESRCH);
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/task/%s", argv[3]);
    CHECK_ERRNO(access(link, F_OK), ENOENT);
    if (request.stage == FINISHED)
      return done();
  }
  pthread_t thread, other;
  self_path();
  request.ready = gate_make();
  CHECK_ZERO(pthread_create(&other, NULL, bystander, NULL));
  CHECK_ZERO(pthread_create(&thread, NULL, executes, &request));
  gate_open(request.ready);
  switch (request.stage) {
  case LEADER_JOINS:
    pthread_join(thread, NULL);
    break;
  case LEADER_ENDED:
    pthread_exit(NULL);
  case LEADER_SLEEPS:
    nap_us(60 * 1000000L);
    break;
  }
  for (;;)
    sched_yield();
}
