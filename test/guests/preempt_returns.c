/*
 * Handlers that interrupt a loop which is counted, and come back to it in other ways than they left it: with another
 * register, with another mask, by a frame that they have copied, by a jump, with a signal waiting, and with traps blocked.
 */
#include "guest_tasks.h"

#include <setjmp.h>
#include <sys/time.h>

enum { TICKS = 14, WAYS = 8 };

static volatile sig_atomic_t ticks, others;
static volatile int way;
static volatile uint64_t told;
static uint64_t at_tick[WAYS][TICKS];
static uintptr_t rips[WAYS][TICKS];
static sigjmp_buf escape;

static void on_other(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *uc = context;
  others += signal;
  told ^= (uint64_t)uc->uc_mcontext.gregs[REG_RBX];
}

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)info;
  ucontext_t *uc = context;
  if (ticks < TICKS) {
    at_tick[way][ticks] = (uint64_t)uc->uc_mcontext.gregs[REG_RBX];
    rips[way][ticks] = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
  }
  ticks++;
  switch (way) {
  case 1:
    uc->uc_mcontext.gregs[REG_R12] += 3;
    break;
  case 2:
    /* To wait from now on, until the next tick lets it come. */
    if (ticks % 2 == 0)
      sigaddset(&uc->uc_sigmask, SIGUSR1);
    else
      sigdelset(&uc->uc_sigmask, SIGUSR1);
    raise(SIGUSR1);
    break;
  case 3:
    /* It comes where the handler returns to. */
    raise(SIGUSR2);
    break;
  case 4:
    if (ticks % 3 == 0)
      siglongjmp(escape, 1);
    break;
  case 5:
    /* One call more before the return. */
    told ^= (uint64_t)getppid() == 0;
    break;
  case 6:
    /* The vector registers that the loop will find. */
    ((char *)uc->uc_mcontext.fpregs)[160 + 15 * 16] ^= 1;
    break;
  default:
    break;
  }
  (void)signal;
}

/* Its counters are in registers, where handlers find them; some rounds are longer than others. */
static void loop(void) {
  uint64_t x = 1, y = 0;
  register uint64_t rounds __asm__("rbx") = 0;
  register uint64_t extra __asm__("r12") = 0;
  while (ticks < TICKS) {
    __asm__ volatile("inc %0" : "+r"(rounds));
    __asm__ volatile("add $1, %0" : "+r"(extra));
    x = x * 6364136223846793005ul + (x >> 9);
    if ((x & 0x100) != 0)
      y += x ^ extra;
    x ^= y >> 3;
  }
  uint64_t end[] = {rounds, x, y, extra, told};
  mix(end, sizeof(end));
}

static void run(int which, int blocks_all) {
  struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
  struct itimerval timer = {.it_value.tv_usec = 1000, .it_interval.tv_usec = 1000}, off = {0};
  if (blocks_all)
    sigfillset(&action.sa_mask);
  way = which;
  ticks = 0;
  CHECK_SYS(sigaction(SIGALRM, &action, NULL));
  if (sigsetjmp(escape, 1) == 0)
    CHECK_SYS(setitimer(ITIMER_REAL, &timer, NULL));
  loop();
  CHECK_SYS(setitimer(ITIMER_REAL, &off, NULL));
  mix(at_tick[which], sizeof(at_tick[which]));
  mix(rips[which], sizeof(rips[which]));
  printf("way %d: %d others\n", which, (int)others);
  fflush(stdout);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_other, .sa_flags = SA_SIGINFO};
  sigset_t none;
  CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
  CHECK_SYS(sigaction(SIGUSR2, &action, NULL));
  for (int i = 0; i < WAYS; i++) {
    run(i, i == 7);
    /* What still waits comes now. */
    sigemptyset(&none);
    CHECK_SYS(sigprocmask(SIG_SETMASK, &none, NULL));
  }
  return done();
}
