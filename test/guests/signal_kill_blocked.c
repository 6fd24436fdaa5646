/* SIGKILL to a child in every kind of sleep, stopped, spinning, inside vfork, with threads, with everything blocked. */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/file.h>

enum kind {
  READS,
  SLEEPS,
  SUSPENDS,
  WAITS,
  POLLS,
  SPINS,
  STOPPED,
  VFORKS,
  THREADS,
  ALL_BLOCKED,
  FLOCKS,
  JUST_FORKED,
  KINDS
};

static struct gate ready, never;
static int lock_fd;
static char lock_path[PATH_MAX + 16];

static void *blocks(void *arg) {
  char byte;
  (void)!read(never.ends[0], &byte, 1);
  return arg;
}

static void child(enum kind kind) {
  char byte;
  sigset_t all, none = signal_set(0);
  pthread_t thread;
  pid_t own = getpid();
  sigfillset(&all);
  if (kind != JUST_FORKED)
    gate_open(ready);
  switch (kind) {
  case READS:
    (void)!read(never.ends[0], &byte, 1);
    break;
  case SLEEPS:
    nap_us(60 * 1000000L);
    break;
  case SUSPENDS:
    sigsuspend(&none);
    break;
  case WAITS:
    if (fork() == 0) {
      die_with_parent(own);
      for (;;)
        nap_us(1000000);
    }
    wait(NULL);
    break;
  case POLLS:
    poll(NULL, 0, -1);
    break;
  case STOPPED:
    raise(SIGSTOP);
    break;
  case VFORKS:
    if (vfork() == 0) {
      die_with_parent(own);
      for (;;)
        raw_syscall(SYS_pause, 0, 0, 0, 0, 0, 0);
    }
    break;
  case THREADS:
    for (int i = 0; i < 5; i++)
      pthread_create(&thread, NULL, blocks, NULL);
    pthread_join(thread, NULL);
    break;
  case ALL_BLOCKED:
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int number = 1; number < 32; number++)
      signal(number, SIG_IGN);
    pause();
    break;
  case FLOCKS:
    flock(open(lock_path, O_RDWR), LOCK_EX);
    break;
  default:
    break;
  }
  for (;;)
    sched_yield();
}

int main(void) {
  snprintf(lock_path, sizeof(lock_path), "%s/lock", tmpdir());
  lock_fd = CHECK_SYS(open(lock_path, O_CREAT | O_RDWR, 0600));
  CHECK_SYS(flock(lock_fd, LOCK_EX));
  ready = gate_make();
  never = gate_make();
  for (enum kind kind = 0; kind < KINDS; kind++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      child(kind);
    if (kind != JUST_FORKED)
      gate_wait(ready);
    int status;
    if (kind == STOPPED)
      CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    else if (kind != SPINS && kind != JUST_FORKED && kind != VFORKS)
      wait_blocked(pid);
    else if (kind == VFORKS)
      nap_us(2000);
    printf("kind %d, state %c: ", kind, task_state(pid));
    CHECK_SYS(kill(pid, SIGKILL));
    wait_killed(pid, SIGKILL);
  }
  return done();
}
