/* Locks between processes in shared memory: mutexes, conditions, semaphores, barriers, and words mapped twice. */
#include "guest_tasks.h"

#include <linux/futex.h>
#include <semaphore.h>

enum { CHILDREN = 5, ROUNDS = 40 };

struct shared {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_barrier_t barrier;
  pthread_rwlock_t rwlock;
  sem_t semaphore;
  int turn, counter, racy, order[CHILDREN * ROUNDS], ordered;
  volatile int ball;
};

static struct shared *shared;

static void child(int which) {
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_ZERO(pthread_mutex_lock(&shared->lock));
    int seen = shared->counter;
    sched_yield();
    shared->counter = seen + 1;
    shared->order[shared->ordered++] = which;
    CHECK_ZERO(pthread_mutex_unlock(&shared->lock));
    int racy = *(volatile int *)&shared->racy;
    sched_yield();
    *(volatile int *)&shared->racy = racy + 1;
    CHECK_ZERO(pthread_rwlock_rdlock(&shared->rwlock));
    CHECK_ZERO(pthread_rwlock_unlock(&shared->rwlock));
  }
  CHECK_SYS(sem_post(&shared->semaphore));
  int result = pthread_barrier_wait(&shared->barrier);
  CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
  CHECK_ZERO(pthread_mutex_lock(&shared->lock));
  while (shared->turn != which)
    CHECK_ZERO(pthread_cond_wait(&shared->changed, &shared->lock));
  shared->turn++;
  CHECK_ZERO(pthread_cond_broadcast(&shared->changed));
  CHECK_ZERO(pthread_mutex_unlock(&shared->lock));
}

/* A ball over a word, each side sleeping until it's theirs. */
static void play(volatile int *ball, int mine) {
  for (int i = 0; i < 50; i++) {
    while (*ball != mine)
      raw_syscall(SYS_futex, (long)ball, FUTEX_WAIT, !mine, 0, 0, 0);
    *ball = !mine;
    raw_syscall(SYS_futex, (long)ball, FUTEX_WAKE, 1, 0, 0, 0);
  }
}

/* Two mappings of one page give one futex. */
static void aliases(void) {
  int fd = CHECK_SYS(memfd_create("words", 0));
  CHECK_SYS(ftruncate(fd, 4096));
  int *one = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  int *two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(one != MAP_FAILED && two != MAP_FAILED && one != two);
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    play(two + 9, 1);
    _exit(0);
  }
  play(one + 9, 0);
  wait_exit(pid, 0);
  CHECK(two[9] == 0);
  close(fd);
}

int main(void) {
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(shared != MAP_FAILED);
  pthread_mutexattr_t mutex_attr;
  pthread_condattr_t cond_attr;
  pthread_barrierattr_t barrier_attr;
  pthread_rwlockattr_t rwlock_attr;
  CHECK_ZERO(pthread_mutexattr_init(&mutex_attr));
  CHECK_ZERO(pthread_mutexattr_setpshared(&mutex_attr, PTHREAD_PROCESS_SHARED));
  CHECK_ZERO(pthread_condattr_init(&cond_attr));
  CHECK_ZERO(pthread_condattr_setpshared(&cond_attr, PTHREAD_PROCESS_SHARED));
  CHECK_ZERO(pthread_barrierattr_init(&barrier_attr));
  CHECK_ZERO(pthread_barrierattr_setpshared(&barrier_attr, PTHREAD_PROCESS_SHARED));
  CHECK_ZERO(pthread_rwlockattr_init(&rwlock_attr));
  CHECK_ZERO(pthread_rwlockattr_setpshared(&rwlock_attr, PTHREAD_PROCESS_SHARED));
  CHECK_ZERO(pthread_mutex_init(&shared->lock, &mutex_attr));
  CHECK_ZERO(pthread_cond_init(&shared->changed, &cond_attr));
  CHECK_ZERO(pthread_barrier_init(&shared->barrier, &barrier_attr, CHILDREN));
  CHECK_ZERO(pthread_rwlock_init(&shared->rwlock, &rwlock_attr));
  CHECK_SYS(sem_init(&shared->semaphore, 1, 0));

  pid_t pids[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    pids[i] = CHECK_SYS(fork());
    if (pids[i] == 0) {
      child(i);
      _exit(0);
    }
  }
  for (int i = 0; i < CHILDREN; i++)
    CHECK_SYS(TEMP_FAILURE_RETRY(sem_wait(&shared->semaphore)));
  for (int i = 0; i < CHILDREN; i++)
    wait_exit(pids[i], 0);
  CHECK(shared->counter == CHILDREN * ROUNDS && shared->turn == CHILDREN);
  CHECK(shared->racy >= 1 && shared->racy <= CHILDREN * ROUNDS);
  mix(shared->order, sizeof(shared->order));
  printf("unlocked counter %d of %d\n", shared->racy, CHILDREN * ROUNDS);

  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    play(&shared->ball, 1);
    _exit(0);
  }
  play(&shared->ball, 0);
  wait_exit(pid, 0);
  aliases();
  return done();
}
