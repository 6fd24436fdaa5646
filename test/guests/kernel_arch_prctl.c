/* The FS and GS bases: read and set by syscall and by instruction, per thread, over fork, signals and switches. */
#include "guest_tasks.h"

#include <asm/prctl.h>
#include <sys/auxv.h>

static long get(int code) {
  unsigned long value = 0;
  long result = raw_syscall(SYS_arch_prctl, code, (long)&value, 0, 0, 0, 0);
  CHECK(result == 0);
  return (long)value;
}

static uint64_t gs_word(void) {
  uint64_t word;
  __asm__ volatile("movq %%gs:8, %0" : "=r"(word));
  return word;
}

static uint64_t area[4] = {1, 0x1111, 3, 4};
static volatile sig_atomic_t handled;
static volatile uint64_t gs_in_handler;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
  gs_in_handler = gs_word();
  handled++;
}

static void *thread(void *arg) {
  uint64_t own[4] = {0, (uint64_t)gettid(), 0, 0};
  long inherited = get(ARCH_GET_GS);
  CHECK(raw_syscall(SYS_arch_prctl, ARCH_SET_GS, (long)own, 0, 0, 0, 0) == 0);
  for (int i = 0; i < 100; i++) {
    sched_yield();
    CHECK(gs_word() == (uint64_t)gettid());
  }
  CHECK(get(ARCH_GET_GS) == (long)own && get(ARCH_GET_FS) == (long)__builtin_thread_pointer());
  MIX(own);
  (void)arg;
  return (void *)inherited;
}

int main(void) {
  CHECK(get(ARCH_GET_FS) == (long)__builtin_thread_pointer());
  printf("fs %lx, gs %lx\n", get(ARCH_GET_FS), get(ARCH_GET_GS));
  handle(SIGUSR1, on_signal, 0);
  CHECK(raw_syscall(SYS_arch_prctl, ARCH_SET_GS, (long)area, 0, 0, 0, 0) == 0);
  CHECK(gs_word() == 0x1111);
  for (int i = 0; i < 20; i++) {
    getppid();
    sched_yield();
    raise(SIGUSR1);
    CHECK(handled == i + 1 && gs_in_handler == 0x1111 && gs_word() == 0x1111);
  }

  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, NULL));
  for (int i = 0; i < 4; i++) {
    void *inherited;
    CHECK_ZERO(pthread_join(threads[i], &inherited));
    CHECK(inherited == area);
  }
  CHECK(gs_word() == 0x1111);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    _exit(gs_word() == 0x1111 && get(ARCH_GET_GS) == (long)area ? 0 : 1);
  wait_exit(pid, 0);

  if (getauxval(AT_HWCAP2) & 2) {
    /* Without any syscall that a recorder could see. */
    uint64_t other[2] = {0, 0x2222}, base;
    __asm__ volatile("wrgsbase %0" : : "r"(other));
    getppid();
    CHECK(gs_word() == 0x2222 && get(ARCH_GET_GS) == (long)other);
    raise(SIGUSR1);
    CHECK(gs_in_handler == 0x2222 && gs_word() == 0x2222);
    sched_yield();
    __asm__ volatile("rdgsbase %0" : "=r"(base));
    CHECK(base == (uint64_t)other);
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    CHECK(base == (uint64_t)__builtin_thread_pointer());
    printf("gs base by instruction %p\n", (void *)other);
  }
  /* Another thread area for a while: nothing of libc may run meanwhile. */
  uint64_t fake[16] = {0}, seen, word = 0x3333;
  fake[1] = word;
  unsigned long own = get(ARCH_GET_FS);
  long first, second;
  __asm__ volatile(
      "movl %[code], %%edi\n\t"
      "movq %[fake], %%rsi\n\t"
      "movl %[call], %%eax\n\t"
      "syscall\n\t"
      "movq %%rax, %[first]\n\t"
      "movl %[getpid], %%eax\n\t"
      "syscall\n\t"
      "movq %%fs:8, %[seen]\n\t"
      "movl %[code], %%edi\n\t"
      "movq %[own], %%rsi\n\t"
      "movl %[call], %%eax\n\t"
      "syscall"
      : "=&a"(second), [first] "=&r"(first), [seen] "=&r"(seen)
      : [code] "i"(ARCH_SET_FS), [call] "i"(SYS_arch_prctl), [getpid] "i"(SYS_getpid), [fake] "r"(fake), [own] "r"(own)
      : "rdi", "rsi", "rcx", "r11", "memory");
  CHECK(first == 0 && second == 0 && seen == 0x3333);

  CHECK(raw_syscall(SYS_arch_prctl, ARCH_SET_FS, (long)0xffff800000000000, 0, 0, 0, 0) == -EPERM);
  CHECK(raw_syscall(SYS_arch_prctl, ARCH_SET_GS, (long)0x8000000000000000, 0, 0, 0, 0) == -EPERM);
  CHECK(raw_syscall(SYS_arch_prctl, 0x9999, 0, 0, 0, 0, 0) == -EINVAL);
  printf("cpuid allowed: %ld\n", raw_syscall(SYS_arch_prctl, 0x1011, 0, 0, 0, 0, 0));
  return done();
}
