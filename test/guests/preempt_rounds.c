/*
 * Signals each millisecond in loops whose rounds take long enough to be counted: with calls, indirect ones too, string
 * instructions, faults whose handlers change registers, system calls now and then, and signals blocked.
 */
#include "guest_tasks.h"

#include <sys/time.h>

enum { TICKS = 12 };

static volatile sig_atomic_t ticks;
static volatile uint64_t progress, faults;
static uint64_t at_tick[TICKS];
static uintptr_t rips[TICKS];
static char from[256], to[256];
static volatile uint32_t divisor;
static char *volatile unmapped;

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  ucontext_t *uc = context;
  if (ticks < TICKS) {
    at_tick[ticks] = progress;
    rips[ticks] = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
  }
  ticks++;
}

/* div %ecx is two bytes, mov (%rdx), %al as well. */
static void on_fault(int signal, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  uintptr_t rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
  if (signal == SIGFPE)
    CHECK((uintptr_t)info->si_addr == rip);
  else
    CHECK(info->si_addr == unmapped);
  uc->uc_mcontext.gregs[REG_RIP] += 2;
  uc->uc_mcontext.gregs[REG_RAX] = 7;
  faults++;
}

static __attribute__((noinline)) uint64_t spin(uint64_t x) {
  for (int i = 0; i < 40; i++)
    x = x * 6364136223846793005ul + (x >> 7);
  return x;
}

static __attribute__((noinline)) uint64_t recurse(uint64_t x, int depth) {
  return depth == 0 ? spin(x) : recurse(x + depth, depth - 1) + 1;
}

static uint64_t (*volatile indirect)(uint64_t) = spin;

static uint64_t with_call(uint64_t x) { return spin(x) ^ recurse(x, 9); }

static uint64_t with_indirect_call(uint64_t x) { return indirect(x) + indirect(~x); }

static uint64_t with_strings(uint64_t x) {
  char *source = from, *target = to;
  size_t size = sizeof(from);
  __asm__ volatile("rep movsb" : "+S"(source), "+D"(target), "+c"(size) : : "memory");
  from[x % sizeof(from)] = (char)(to[(x >> 8) % sizeof(to)] + 1);
  return spin(x + (uint64_t)from[3]);
}

static uint64_t with_faults(uint64_t x) {
  uint32_t low = (uint32_t)x, high = 0, by = progress % 4096 == 0 ? 0 : divisor;
  __asm__ volatile("div %%ecx" : "+a"(low), "+d"(high) : "c"(by) : "cc");
  uint64_t byte = 0;
  char *where = progress % 5000 == 0 ? unmapped : from;
  __asm__ volatile("movb (%%rdx), %%al" : "+a"(byte) : "d"(where));
  return spin(x + low + byte);
}

static uint64_t with_calls(uint64_t x) {
  if (progress % 1000 == 0)
    x += (uint64_t)raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) > 0;
  return spin(x);
}

static void run(const char *name, uint64_t (*step)(uint64_t)) {
  uint64_t x = 88172645463325252ul;
  struct itimerval timer = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000}, off = {0};
  ticks = 0;
  progress = faults = 0;
  CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  while (ticks < TICKS) {
    x = step(x);
    progress++;
  }
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  mix(at_tick, sizeof(at_tick));
  mix(rips, sizeof(rips));
  MIX(x);
  printf("%s: %llu, %llu faults\n", name, (unsigned long long)progress, (unsigned long long)faults);
}

int main(void) {
  struct sigaction tick = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
  struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  CHECK_SYS(sigaction(SIGALRM, &tick, NULL));
  unmapped = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  divisor = 3;
  run("calls of functions", with_call);
  run("indirect calls", with_indirect_call);
  run("strings", with_strings);
  run("system calls", with_calls);

  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTRAP);
  sigaddset(&blocked, SIGSEGV);
  CHECK_SYS(sigprocmask(SIG_BLOCK, &blocked, NULL));
  run("with traps blocked", with_call);
  CHECK_SYS(sigprocmask(SIG_UNBLOCK, &blocked, NULL));

  CHECK_SYS(sigaction(SIGFPE, &fault, NULL));
  CHECK_SYS(sigaction(SIGSEGV, &fault, NULL));
  run("faults", with_faults);
  return done();
}
