/* SIGKILL to a process that makes tasks one after another: wherever it is hit, all that it has made ends or is let go. */
#include "guest_tasks.h"

#include <linux/futex.h>

enum kind { THREADS, FORKS, VFORKS, THREADS_WITH_TID, KINDS };

#define ROUNDS 8

static char stack[65536];
static int tid_word;

static void *nothing(void *arg) { return arg; }

static int nothing_either(void *arg) {
  (void)arg;
  return 0;
}

static void make(enum kind kind) {
  pthread_attr_t detached;
  pthread_t thread;
  pid_t pid;
  switch (kind) {
  case THREADS:
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &detached, nothing, NULL);
    break;
  case FORKS:
    pid = fork();
    if (pid == 0)
      _exit(0);
    waitpid(pid, NULL, 0);
    break;
  case VFORKS:
    pid = vfork();
    if (pid == 0)
      _exit(0);
    waitpid(pid, NULL, 0);
    break;
  default: {
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_SETTID |
                CLONE_CHILD_CLEARTID;
    int tid = clone(nothing_either, stack + sizeof(stack), flags, NULL, NULL, NULL, &tid_word);
    while (tid > 0 && *(volatile int *)&tid_word != 0)
      syscall(SYS_futex, &tid_word, FUTEX_WAIT, tid, NULL, NULL, 0);
  }
  }
}

int main(void) {
  unsigned seed = (unsigned)now_us();
  for (enum kind kind = 0; kind < KINDS; kind++) {
    for (int round = 0; round < ROUNDS; round++) {
      struct gate alive = gate_make();
      pid_t pid = CHECK_SYS(fork());
      if (pid == 0) {
        close(alive.ends[0]);
        for (;;)
          make(kind);
      }
      close(alive.ends[1]);
      nap_us(rand_r(&seed) % 4000);
      CHECK_SYS(kill(pid, SIGKILL));
      wait_killed(pid, SIGKILL);
      /* The pipe ends when the last of them is gone. */
      char byte;
      CHECK(CHECK_SYS(read(alive.ends[0], &byte, 1)) == 0);
      close(alive.ends[0]);
    }
  }
  return done();
}
