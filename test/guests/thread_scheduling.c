/* Affinity, policies, priorities and CPUs: per thread, and mostly another answer in every run. */
#include "guest_tasks.h"

enum { THREADS = 4 };

static void *thread(void *arg) {
  cpu_set_t *allowed = arg, own;
  unsigned cpu, node;
  int seen = 0;
  for (int which = 0; which < CPU_SETSIZE && seen < 2; which++) {
    if (!CPU_ISSET(which, allowed))
      continue;
    CPU_ZERO(&own);
    CPU_SET(which, &own);
    if (sched_setaffinity(0, sizeof(own), &own) == 0) {
      CHECK_SYS(sched_getaffinity(0, sizeof(own), &own));
      CHECK_SYS(getcpu(&cpu, &node));
      printf("thread %d on cpu %u, node %u, mask of %d\n", gettid(), cpu, node, CPU_COUNT(&own));
    }
    seen++;
  }
  for (int i = 0; i < 20; i++) {
    cpu = sched_getcpu();
    MIX(cpu);
    sched_yield();
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  cpu_set_t allowed;
  CHECK_SYS(sched_getaffinity(0, sizeof(allowed), &allowed));
  printf("%d cpus allowed, %ld online, on %d\n", CPU_COUNT(&allowed), sysconf(_SC_NPROCESSORS_ONLN), sched_getcpu());
  for (int i = 0; i < THREADS; i++) {
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, &allowed));
    CHECK_ZERO(pthread_join(threads[i], NULL));
  }
  struct sched_param param = {0};
  CHECK(sched_getscheduler(0) == SCHED_OTHER || sched_getscheduler(0) == SCHED_BATCH);
  CHECK_SYS(sched_setscheduler(0, SCHED_BATCH, &param));
  CHECK(sched_getscheduler(0) == SCHED_BATCH);
  CHECK_SYS(sched_setscheduler(0, SCHED_OTHER, &param));
  CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_FIFO) == 1);
  param.sched_priority = 1;
  CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);
  struct timespec interval;
  CHECK_SYS(sched_rr_get_interval(0, &interval));
  int before = getpriority(PRIO_PROCESS, 0);
  printf("slice %ld ns, nice %d\n", interval.tv_nsec, before);
  errno = 0;
  CHECK_SYS(nice(2) == -1 && errno != 0 ? -1 : 0);
  CHECK(getpriority(PRIO_PROCESS, 0) == (before < 17 ? before + 2 : 19));
  /* struct sched_attr, by hand: the header clashes with libc's. */
  uint32_t attr[14] = {sizeof(attr)};
  CHECK_SYS(syscall(SYS_sched_getattr, 0, attr, sizeof(attr), 0));
  mix(attr, sizeof(attr));
  CHECK_ERRNO(sched_setaffinity(0, 0, &allowed), EINVAL);
  return done();
}
