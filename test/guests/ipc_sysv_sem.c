/*
 * System V semaphores: operations on several at once, waiting across processes, time limits, SEM_UNDO when a child
 * ends.
 */
#include "guest.h"

#include <sys/sem.h>
#include <time.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};

static int change(int id, int number, int by, int flags) {
  struct sembuf op = {(unsigned short)number, (short)by, (short)flags};
  return semop(id, &op, 1);
}

int main(void) {
  int id = semget(IPC_PRIVATE, 4, IPC_CREAT | 0600);
  if (id == -1) {
    CHECK(errno == ENOSYS || errno == ENOSPC);
    skip("no System V semaphores");
  }
  unsigned short values[4] = {1, 2, 3, 4}, back[4] = {0};
  CHECK_SYS(semctl(id, 0, SETALL, (union semun){.array = values}));
  CHECK_SYS(semctl(id, 0, GETALL, (union semun){.array = back}));
  CHECK(memcmp(values, back, sizeof(values)) == 0);
  CHECK_SYS(semctl(id, 3, SETVAL, (union semun){.val = 0}));
  CHECK(semctl(id, 2, GETVAL) == 3);

  /* All or nothing. */
  struct sembuf both[] = {{0, -1, 0}, {1, -5, IPC_NOWAIT}};
  CHECK_ERRNO(semop(id, both, 2), EAGAIN);
  CHECK(semctl(id, 0, GETVAL) == 1);
  struct timespec limit = {.tv_nsec = 2000000};
  CHECK_ERRNO(semtimedop(id, &(struct sembuf){3, -1, 0}, 1, &limit), EAGAIN);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    for (int i = 0; i < 20; i++) {
      CHECK_SYS(change(id, 3, -1, 0));
      CHECK_SYS(change(id, 0, 1, 0));
    }
    /* Given back by the kernel when the child ends. */
    CHECK_SYS(change(id, 2, -3, SEM_UNDO));
    CHECK_SYS(change(id, 1, 10, SEM_UNDO));
    _exit(0);
  }
  CHECK_SYS(change(id, 0, -1, 0));
  for (int i = 0; i < 20; i++) {
    CHECK_SYS(change(id, 3, 1, 0));
    CHECK_SYS(change(id, 0, -1, 0));
  }
  wait_ok(child);
  CHECK(semctl(id, 2, GETVAL) == 3 && semctl(id, 1, GETVAL) == 2);
  printf("last operation on 3 by %d, waiting %d %d\n", semctl(id, 3, GETPID), semctl(id, 3, GETNCNT),
         semctl(id, 3, GETZCNT));
  struct semid_ds ds;
  memset(&ds, 0xee, sizeof(ds));
  CHECK_SYS(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
  CHECK(ds.sem_nsems == 4);
  MIX(ds);
  struct seminfo info;
  memset(&info, 0xee, sizeof(info));
  CHECK_SYS(semctl(0, 0, SEM_INFO, (union semun){.info = &info}));
  MIX(info);

  /* Removal ends a wait with EIDRM, or the call comes too late and fails with EINVAL. */
  child = CHECK_SYS(fork());
  if (child == 0) {
    int result = change(id, 3, -1, 0);
    CHECK(result == -1 && (errno == EIDRM || errno == EINVAL));
    _exit(0);
  }
  while (semctl(id, 3, GETNCNT) == 0)
    CHECK_SYS(nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL));
  CHECK_SYS(semctl(id, 0, IPC_RMID));
  wait_ok(child);
  CHECK_ERRNO(semctl(id, 0, GETVAL), EINVAL);
  return done();
}
