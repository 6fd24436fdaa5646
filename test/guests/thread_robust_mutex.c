/* Robust mutexes: the kernel walks a dead task's list and marks what it held, for threads and for processes. */
#include "guest_tasks.h"

struct shared {
  pthread_mutex_t lock, other;
  int value;
};

static void init_robust(pthread_mutex_t *lock, int shared) {
  pthread_mutexattr_t attr;
  CHECK_ZERO(pthread_mutexattr_init(&attr));
  CHECK_ZERO(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
  if (shared)
    CHECK_ZERO(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
  CHECK_ZERO(pthread_mutex_init(lock, &attr));
}

static void *dies_holding(void *arg) {
  struct shared *shared = arg;
  CHECK_ZERO(pthread_mutex_lock(&shared->lock));
  CHECK_ZERO(pthread_mutex_lock(&shared->other));
  shared->value = gettid();
  return NULL;
}

static void *waits_for_owner(void *arg) {
  struct shared *shared = arg;
  long result = pthread_mutex_lock(&shared->lock);
  if (result == EOWNERDEAD)
    CHECK_ZERO(pthread_mutex_consistent(&shared->lock));
  CHECK_ZERO(pthread_mutex_unlock(&shared->lock));
  return (void *)result;
}

static void threads(struct shared *shared) {
  pthread_t thread, waiters[3];
  CHECK_ZERO(pthread_create(&thread, NULL, dies_holding, shared));
  CHECK_ZERO(pthread_join(thread, NULL));
  printf("thread %d left lock word %#x\n", shared->value, *(unsigned *)&shared->lock);
  CHECK(*(unsigned *)&shared->lock & 0x40000000);
  for (int i = 0; i < 3; i++)
    CHECK_ZERO(pthread_create(&waiters[i], NULL, waits_for_owner, shared));
  int dead = 0;
  for (int i = 0; i < 3; i++) {
    void *result;
    CHECK_ZERO(pthread_join(waiters[i], &result));
    dead += (long)result == EOWNERDEAD;
  }
  CHECK(dead == 1);
  CHECK(pthread_mutex_trylock(&shared->other) == EOWNERDEAD);
  CHECK_ZERO(pthread_mutex_unlock(&shared->other));
  CHECK(pthread_mutex_lock(&shared->other) == ENOTRECOVERABLE);
}

static void processes(struct shared *shared) {
  struct gate held = gate_make();
  for (int i = 0; i < 4; i++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0) {
      CHECK_ZERO(pthread_mutex_lock(&shared->lock));
      shared->value = getpid();
      gate_open(held);
      if (i % 2)
        _exit(0);
      for (;;)
        pause();
    }
    gate_wait(held);
    if (i % 2 == 0) {
      CHECK(pthread_mutex_trylock(&shared->lock) == EBUSY);
      CHECK_SYS(kill(pid, SIGKILL));
    }
    /* Wakes up when the owner dies, before or after it's waited for. */
    CHECK(pthread_mutex_lock(&shared->lock) == EOWNERDEAD);
    CHECK(shared->value == pid);
    printf("process %d left it to lock word %#x\n", pid, *(unsigned *)&shared->lock);
    CHECK_ZERO(pthread_mutex_consistent(&shared->lock));
    CHECK_ZERO(pthread_mutex_unlock(&shared->lock));
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
  }
  gate_close(held);
}

int main(void) {
  static struct shared own;
  init_robust(&own.lock, 0);
  init_robust(&own.other, 0);
  threads(&own);
  struct shared *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  init_robust(&shared->lock, 1);
  processes(shared);
  mix(shared, sizeof(*shared));

  void *head = NULL;
  size_t size = 0;
  CHECK_SYS(syscall(SYS_get_robust_list, 0, &head, &size));
  CHECK(head != NULL && size == 24);
  printf("robust list at %p\n", head);
  CHECK_ERRNO(syscall(SYS_set_robust_list, head, 23), EINVAL);
  return done();
}
