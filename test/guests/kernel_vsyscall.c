/* The fixed page of the old vsyscalls: emulated by a fault in the kernel, where no tracer sees a system call. */
#include "guest_tasks.h"

#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf out;

static void on_segv(int signal) { siglongjmp(out, signal); }

int main(void) {
  long (*old_gettimeofday)(struct timeval *, void *) = (void *)0xffffffffff600000;
  long (*old_time)(long *) = (void *)0xffffffffff600400;
  long (*old_getcpu)(unsigned *, unsigned *, void *) = (void *)0xffffffffff600800;
  signal(SIGSEGV, on_segv);
  if (sigsetjmp(out, 1) != 0)
    skip("no vsyscall page");
  long seconds = old_time(NULL);
  printf("time %ld\n", seconds);
  CHECK(seconds > 1000000000);
  for (int i = 0; i < 20; i++) {
    struct timeval now;
    unsigned cpu = -1, node = -1;
    CHECK(old_gettimeofday(&now, NULL) == 0);
    CHECK(now.tv_sec >= seconds && now.tv_usec < 1000000);
    CHECK(old_getcpu(&cpu, &node, NULL) == 0);
    MIX(now);
    MIX(cpu);
  }
  /* It can't be read, only called, or neither. */
  if (sigsetjmp(out, 1) == 0) {
    unsigned char byte = *(volatile unsigned char *)0xffffffffff600000;
    printf("readable: %02x\n", byte);
  } else {
    printf("not readable\n");
  }
  return done();
}
