/*
 * A program that uses the GS base itself, set by arch_prctl and by wrgsbase: kept over system calls, fork and a
 * switch.
 */
#include "guest.h"

#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>

enum { SET_GS = 0x1001, GET_FS = 0x1003, GET_GS = 0x1004 };

static uint64_t gs_word(void) {
  uint64_t word;
  __asm__ volatile("mov %%gs:8, %0" : "=r"(word));
  return word;
}

int main(void) {
  static uint64_t a[4] = {0, 0xaaaa}, b[4] = {0, 0xbbbb};
  uint64_t base = 77;
  CHECK_SYS(syscall(SYS_arch_prctl, GET_GS, &base));
  printf("at start %#llx\n", (unsigned long long)base);
  CHECK_SYS(syscall(SYS_arch_prctl, SET_GS, a));
  CHECK(gs_word() == 0xaaaa);
  CHECK_SYS(syscall(SYS_arch_prctl, GET_GS, &base));
  CHECK(base == (uintptr_t)a);
  uint64_t fs;
  CHECK_SYS(syscall(SYS_arch_prctl, GET_FS, &fs));
  CHECK(fs == (uintptr_t)__builtin_thread_pointer());
  MIX(fs);
  for (int i = 0; i < 100; i++) {
    struct timespec now;
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    CHECK_SYS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
    CHECK_SYS(sched_yield());
    CHECK(syscall(SYS_getpid) == getpid() && gs_word() == 0xaaaa);
    MIX(now);
  }
  pid_t child = CHECK_SYS(fork());
  if (child == 0)
    _exit(gs_word() == 0xaaaa ? 0 : 1);
  wait_ok(child);
  CHECK(gs_word() == 0xaaaa);

  if (getauxval(AT_HWCAP2) & 2) {
    __asm__ volatile("wrgsbase %0" ::"r"(b));
    for (int i = 0; i < 100; i++) {
      CHECK_SYS(sched_yield());
      CHECK(gs_word() == 0xbbbb);
      __asm__ volatile("rdgsbase %0" : "=r"(base));
      CHECK(base == (uintptr_t)b);
    }
    printf("wrgsbase works\n");
  }
  CHECK_ERRNO(syscall(SYS_arch_prctl, SET_GS, 1ul << 60), EPERM);
  /* Base 0: any use would fault, system calls don't. */
  CHECK_SYS(syscall(SYS_arch_prctl, SET_GS, 0));
  CHECK(getppid() > 0);
  return done();
}
