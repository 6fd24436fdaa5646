/* Scheduling calls: affinity masks whose size the kernel decides, policies, priorities, nice, I/O priority. */
#include "guest.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

int main(void) {
  unsigned char mask[1024];
  memset(mask, 0xee, sizeof(mask));
  long size = CHECK_SYS(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask));
  printf("the mask has %ld bytes, first %#x\n", size, mask[0]);
  CHECK(size > 0 && mask[size] == 0xee);
  MIX(mask);
  cpu_set_t set;
  CHECK_SYS(sched_getaffinity(getpid(), sizeof(set), &set));
  int first = 0;
  while (!CPU_ISSET(first, &set))
    first++;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  CHECK_SYS(sched_setaffinity(0, sizeof(one), &one));
  CHECK_SYS(sched_yield());
  printf("on %d of %d\n", sched_getcpu(), CPU_COUNT(&set));
  CHECK_SYS(sched_setaffinity(0, sizeof(set), &set));
  CPU_ZERO(&one);
  CHECK_ERRNO(sched_setaffinity(0, sizeof(one), &one), EINVAL);
  CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 1, mask), EINVAL);

  int policy = CHECK_SYS(sched_getscheduler(0));
  struct sched_param param = {.sched_priority = 99};
  CHECK_SYS(sched_getparam(0, &param));
  printf("policy %d priority %d, FIFO %d to %d\n", policy, param.sched_priority, sched_get_priority_min(SCHED_FIFO),
         sched_get_priority_max(SCHED_FIFO));
  struct timespec slice = {-1, -1};
  CHECK_SYS(sched_rr_get_interval(0, &slice));
  printf("slice %lld.%09ld\n", (long long)slice.tv_sec, slice.tv_nsec);
  unsigned char attributes[128];
  memset(attributes, 0xee, sizeof(attributes));
  long result = syscall(SYS_sched_getattr, 0, attributes, sizeof(attributes), 0);
  printf("sched_getattr %ld\n", result);
  MIX(attributes);
  CHECK_SYS(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0}));
  CHECK(sched_getscheduler(0) == SCHED_BATCH);
  CHECK_ERRNO(sched_setscheduler(0, 99, &param), EINVAL);
  CHECK_ERRNO(sched_getscheduler(-1), EINVAL);

  errno = 0;
  int nice_before = getpriority(PRIO_PROCESS, 0);
  CHECK(errno == 0);
  /* The raw call gives 20 - nice, so that it is never negative. */
  CHECK(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20 - nice_before);
  errno = 0;
  int nice_after = nice(1);
  CHECK(nice_after == nice_before + 1 || nice_before == 19);
  CHECK_SYS(setpriority(PRIO_PROCESS, 0, 15));
  CHECK(getpriority(PRIO_PROCESS, getpid()) == 15);
  result = setpriority(PRIO_PROCESS, 0, -5);
  printf("nice was %d, to -5: %ld\n", nice_before, result);
  long io = syscall(SYS_ioprio_get, 1, 0);
  printf("I/O priority %ld\n", io);
  CHECK_SYS(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
  CHECK(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 6));
  return done();
}
