/* Times and counts that the kernel keeps: getrusage, times, CPU clocks, of oneself, one thread and ended children. */
#include "guest_tasks.h"

#include <sys/times.h>

static volatile unsigned long sink;

static void work(int rounds) {
  for (int i = 0; i < rounds; i++) {
    for (int j = 0; j < 20000; j++)
      sink += i ^ j;
    getppid();
  }
}

static void show(const char *what, int who) {
  struct rusage usage;
  CHECK_SYS(getrusage(who, &usage));
  printf("%s: user %ld.%06ld system %ld.%06ld, max %ld kB, faults %ld %ld, switches %ld %ld\n", what,
         (long)usage.ru_utime.tv_sec, (long)usage.ru_utime.tv_usec, (long)usage.ru_stime.tv_sec,
         (long)usage.ru_stime.tv_usec, usage.ru_maxrss, usage.ru_minflt, usage.ru_majflt, usage.ru_nvcsw,
         usage.ru_nivcsw);
}

static void *thread(void *arg) {
  work(200);
  show("thread", RUSAGE_THREAD);
  return arg;
}

int main(void) {
  struct tms before, after;
  clock_t ticks = times(&before);
  CHECK(ticks != (clock_t)-1);
  work(500);
  pthread_t id;
  CHECK_ZERO(pthread_create(&id, NULL, thread, NULL));
  clockid_t clock_id;
  struct timespec cpu = {0, 0};
  if (pthread_getcpuclockid(id, &clock_id) == 0 && clock_gettime(clock_id, &cpu) == 0)
    printf("thread's clock %#x: %ld ns\n", clock_id, cpu.tv_nsec);
  CHECK_ZERO(pthread_join(id, NULL));
  show("self", RUSAGE_SELF);
  show("first thread", RUSAGE_THREAD);

  struct rusage none;
  CHECK_SYS(getrusage(RUSAGE_CHILDREN, &none));
  CHECK(none.ru_minflt == 0 && none.ru_utime.tv_usec == 0);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    work(300);
    _exit(0);
  }
  CHECK_ZERO(clock_getcpuclockid(pid, &clock_id));
  CHECK_SYS(clock_gettime(clock_id, &cpu));
  printf("child's clock: %ld ns\n", cpu.tv_nsec);
  wait_exit(pid, 0);
  show("children", RUSAGE_CHILDREN);
  CHECK_SYS(getrusage(RUSAGE_CHILDREN, &none));
  CHECK(none.ru_minflt > 0);

  CHECK(times(&after) >= ticks);
  CHECK(after.tms_utime >= before.tms_utime && after.tms_cutime >= before.tms_cutime);
  CHECK_SYS(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu));
  printf("clock %ld, process %ld ns\n", (long)clock(), cpu.tv_nsec);
  CHECK_ERRNO(getrusage(77, &none), EINVAL);
  return done();
}
