/* Restartable sequences: libc's registration, where there is one, and what the kernel keeps writing into it. */
#include "guest_tasks.h"

#include <sys/rseq.h>

static struct rseq *own_area(void) { return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset); }

static volatile int out_of_range;

static void look(void) {
  int cpus = (int)sysconf(_SC_NPROCESSORS_CONF);
  for (int i = 0; i < 200; i++) {
    /* The kernel writes both fields when it lets the task run on. */
    int cpu = *(volatile int *)&own_area()->cpu_id;
    if (cpu < 0 || cpu >= cpus)
      out_of_range++;
    MIX(cpu);
    sched_yield();
  }
}

static void *thread(void *arg) {
  printf("thread %d: cpu_id %d\n", gettid(), (int)own_area()->cpu_id);
  look();
  return arg;
}

int main(void) {
  printf("offset %ld, size %u, flags %#x, cpu_id %d\n", (long)__rseq_offset, __rseq_size, __rseq_flags,
         (int)own_area()->cpu_id);
  look();
  for (int i = 0; i < 3; i++) {
    pthread_t id;
    CHECK_ZERO(pthread_create(&id, NULL, thread, NULL));
    CHECK_ZERO(pthread_join(id, NULL));
  }
  if (__rseq_size == 0) {
    /* Refused by the kernel, or by a recorder. */
    CHECK((int)own_area()->cpu_id < 0);
    CHECK(raw_syscall(SYS_rseq, (long)own_area(), 32, 0, RSEQ_SIG, 0, 0) < 0);
    return done();
  }
  CHECK(out_of_range == 0);
  CHECK(own_area()->cpu_id_start < (unsigned)sysconf(_SC_NPROCESSORS_CONF));

  static struct rseq other __attribute__((aligned(32)));
  CHECK(raw_syscall(SYS_rseq, (long)own_area(), 32, 0, RSEQ_SIG, 0, 0) == -EBUSY);
  CHECK(raw_syscall(SYS_rseq, (long)&other, 32, 0, RSEQ_SIG, 0, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_rseq, (long)own_area(), 32, RSEQ_FLAG_UNREGISTER, 0x1234, 0, 0) == -EPERM);
  CHECK(raw_syscall(SYS_rseq, (long)own_area(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG, 0, 0) == 0);
  CHECK((int)own_area()->cpu_id == RSEQ_CPU_ID_UNINITIALIZED);
  CHECK(raw_syscall(SYS_rseq, (long)&other, 32, 0, RSEQ_SIG, 0, 0) == 0);
  sched_yield();
  CHECK(*(volatile int *)&other.cpu_id >= 0);
  CHECK(raw_syscall(SYS_rseq, (long)&other, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG, 0, 0) == 0);
  printf("cpu %d\n", sched_getcpu());
  return done();
}
