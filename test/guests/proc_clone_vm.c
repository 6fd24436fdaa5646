/* CLONE_VM without CLONE_THREAD: processes of their own that race in one memory, with or without shared handlers. */
#include "guest_tasks.h"

enum { STACK = 64 << 10, TASKS = 3, ROUNDS = 400 };

static volatile long counter;
static volatile pid_t pids[TASKS];
static void *volatile mapped;

static void noop(int signal) { (void)signal; }

/* Runs on the parent's thread pointer: no libc beyond raw syscalls. */
static int racer(void *arg) {
  long which = (long)arg;
  pids[which] = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
  for (int i = 0; i < ROUNDS; i++) {
    long seen = counter;
    raw_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    counter = seen + 1;
    raw_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
  }
  if (which == 0)
    mapped = (void *)raw_syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return 50 + which;
}

static int set_handler(void *arg) {
  (void)arg;
  struct sigaction action = {.sa_handler = noop};
  return sigaction(SIGUSR1, &action, NULL);
}

static struct sigaction handler_after(int flags, char *stack) {
  signal(SIGUSR1, SIG_DFL);
  wait_exit(CHECK_SYS(clone(set_handler, stack + STACK, flags | SIGCHLD, NULL)), 0);
  struct sigaction action;
  CHECK_SYS(sigaction(SIGUSR1, NULL, &action));
  return action;
}

int main(void) {
  static char stacks[TASKS][STACK] __attribute__((aligned(16)));
  pid_t children[TASKS];
  for (long i = 0; i < TASKS; i++)
    children[i] = CHECK_SYS(clone(racer, stacks[i] + STACK, CLONE_VM | SIGCHLD, (void *)i));
  for (int i = 0; i < ROUNDS; i++) {
    counter++;
    sched_yield();
  }
  for (int i = 0; i < TASKS; i++) {
    wait_exit(children[i], 50 + i);
    CHECK(pids[i] == children[i]);
    printf("racer %d\n", pids[i]);
  }
  CHECK(counter >= 1 && counter <= (TASKS + 1) * ROUNDS);
  printf("counter %ld of %d\n", counter, (TASKS + 1) * ROUNDS);
  memset(mapped, 1, 4096);
  CHECK_SYS(munmap(mapped, 4096));

  CHECK(handler_after(CLONE_VM, stacks[0]).sa_handler == SIG_DFL);
  CHECK(handler_after(CLONE_VM | CLONE_SIGHAND, stacks[0]).sa_handler == noop);
  return done();
}
