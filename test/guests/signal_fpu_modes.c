/* Rounding and exception modes of x87 and SSE: kept over syscalls, reset for handlers, restored after them, per thread.
 */
#include "guest_tasks.h"

#include <fenv.h>
#include <ucontext.h>

struct modes {
  uint16_t control;
  uint32_t mxcsr;
};

static struct modes get(void) {
  struct modes modes;
  __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(modes.control), "=m"(modes.mxcsr));
  return modes;
}

static void set(uint16_t control, uint32_t mxcsr) {
  __asm__ volatile("fldcw %0\n\tldmxcsr %1" : : "m"(control), "m"(mxcsr));
}

static volatile uint16_t handler_control;
static volatile uint32_t handler_mxcsr;
static volatile int handled, change_frame;

static void on_signal(int signal, siginfo_t *info, void *raw) {
  ucontext_t *context = raw;
  struct modes modes = get();
  (void)signal, (void)info;
  handler_control = modes.control;
  handler_mxcsr = modes.mxcsr;
  if (change_frame)
    context->uc_mcontext.fpregs->mxcsr = 0x9fc0;
  set(0x007f, 0x7f80);
  handled++;
}

static void expect(uint16_t control, uint32_t mxcsr) {
  struct modes modes = get();
  if (modes.control != control || modes.mxcsr != mxcsr)
    fprintf(stderr, "modes are %#x and %#x\n", modes.control, modes.mxcsr);
  CHECK(modes.control == control && modes.mxcsr == mxcsr);
}

static void *thread(void *arg) {
  struct modes modes = get();
  long inherited = modes.control == 0x0b7f;
  set(0x0f7f, 0x5f80);
  for (int i = 0; i < 50; i++) {
    sched_yield();
    expect(0x0f7f, 0x5f80);
  }
  (void)arg;
  return (void *)inherited;
}

static volatile double one = 1, three = 3;
static volatile long double long_one = 1, long_three = 3;

int main(void) {
  handle(SIGUSR1, on_signal, 0);
  struct modes fresh = get();
  printf("fresh modes %#x %#x\n", fresh.control, fresh.mxcsr);
  /* Round up; flush to zero; inexact flag set. */
  set(0x0b7f, 0xdfa0);
  for (int i = 0; i < 30; i++) {
    getppid();
    sched_yield();
    expect(0x0b7f, 0xdfa0);
    raw_syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1, 0, 0, 0);
    CHECK(handled == i + 1);
    expect(0x0b7f, 0xdfa0);
  }
  printf("in the handler %#x %#x\n", handler_control, handler_mxcsr);
  CHECK(handler_control == 0x037f && handler_mxcsr == 0x1f80);
  change_frame = 1;
  raw_syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1, 0, 0, 0);
  expect(0x0b7f, 0x9fc0);
  change_frame = 0;

  pthread_t id;
  void *inherited;
  CHECK_ZERO(pthread_create(&id, NULL, thread, NULL));
  CHECK_ZERO(pthread_join(id, &inherited));
  CHECK(inherited != NULL);
  expect(0x0b7f, 0x9fc0);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    expect(0x0b7f, 0x9fc0);
    _exit(0);
  }
  wait_exit(pid, 0);

  set(0x037f, 0x1f80);
  static const int roundings[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  double results[4];
  for (int i = 0; i < 4; i++) {
    CHECK(fesetround(roundings[i]) == 0);
    raw_syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1, 0, 0, 0);
    CHECK(fegetround() == roundings[i]);
    results[i] = -one / three;
    long double wide = -long_one / long_three;
    printf("%a %La\n", results[i], wide);
  }
  CHECK(results[1] < results[2] && results[2] == results[3]);
  return done();
}
