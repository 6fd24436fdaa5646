/* The processor's number by getcpu, sched_getcpu and the area the kernel keeps up to date for restartable sequences. */
#include "guest.h"

#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

int main(void) {
  unsigned cpu = 9999, node = 9999;
  CHECK_SYS(syscall(SYS_getcpu, &cpu, &node, NULL));
  CHECK(cpu != 9999 && node != 9999);
  printf("getcpu: %u node %u\n", cpu, node);
  CHECK_SYS(syscall(SYS_getcpu, NULL, NULL, NULL));
  CHECK_SYS(getcpu(&cpu, NULL));

  printf("rseq: size %u flags %u\n", __rseq_size, __rseq_flags);
  for (int i = 0; i < 300; i++) {
    int now = CHECK_SYS(sched_getcpu());
    MIX(now);
    if (__rseq_size > 0) {
      /* Stored by the kernel whenever the thread is scheduled again. */
      const volatile struct rseq *area = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
      uint32_t id = area->cpu_id, start = area->cpu_id_start;
      MIX(id);
      MIX(start);
    }
    if (i % 10 == 0)
      CHECK_SYS(sched_yield());
  }
  CHECK_ERRNO(syscall(SYS_getcpu, 8L, NULL, NULL), EFAULT);
  return done();
}
