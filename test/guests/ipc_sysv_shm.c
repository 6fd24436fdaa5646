/*
 * System V shared memory: addresses chosen and asked for, a child that inherits and one that attaches, removal while
 * attached.
 */
#include "guest.h"

#include <sys/mman.h>
#include <sys/shm.h>

static struct shmid_ds state(int id) {
  struct shmid_ds ds;
  memset(&ds, 0xee, sizeof(ds));
  CHECK_SYS(shmctl(id, IPC_STAT, &ds));
  printf("attached %lu size %zu creator %d last %d\n", ds.shm_nattch, ds.shm_segsz, ds.shm_cpid, ds.shm_lpid);
  MIX(ds);
  return ds;
}

int main(void) {
  int id = shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600);
  if (id == -1) {
    CHECK(errno == ENOSYS || errno == ENOSPC);
    skip("no System V shared memory");
  }
  volatile char *p = CHECK_SYS(shmat(id, NULL, 0));
  CHECK(p[0] == 0 && p[9999] == 0);
  p[9999] = 'e';
  const volatile char *read_only = CHECK_SYS(shmat(id, NULL, SHM_RDONLY));
  CHECK(read_only[9999] == 'e');
  printf("id %d at %p and %p\n", id, (void *)p, (void *)read_only);
  CHECK(state(id).shm_nattch == 2);

  pid_t inherits = CHECK_SYS(fork());
  if (inherits == 0) {
    p[1] = 'i';
    CHECK_SYS(shmdt((void *)p));
    _exit(0);
  }
  wait_ok(inherits);
  pid_t attaches = CHECK_SYS(fork());
  if (attaches == 0) {
    volatile char *own = CHECK_SYS(shmat(id, NULL, 0));
    CHECK(own != p && own[1] == 'i');
    own[2] = 'a';
    pid_t self = getpid();
    memcpy((char *)own + 100, &self, sizeof(self));
    _exit(0);
  }
  wait_ok(attaches);
  CHECK(p[1] == 'i' && p[2] == 'a' && memcmp((char *)p + 100, &attaches, sizeof(attaches)) == 0);
  CHECK(state(id).shm_lpid == attaches);

  /* At an address of our own, over a mapping that is there, and part of it unmapped. */
  char *place = CHECK_SYS(mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_ERRNO(shmat(id, place, 0), EINVAL);
  CHECK(shmat(id, place, SHM_REMAP) == place);
  CHECK(place[1] == 'i');
  CHECK_SYS(munmap(place + 4096, 4096));
  CHECK(place[0] == 0 && place[9999] == 'e');
  CHECK_ERRNO(shmat(id, place + 1, 0), EINVAL);
  void *rounded = CHECK_SYS(shmat(id, place + 10 * 4096 + 5, SHM_RND | SHM_REMAP));
  CHECK(rounded == place + 10 * 4096);
  CHECK_SYS(shmdt(place));
  CHECK_ERRNO(shmdt(place), EINVAL);

  CHECK_SYS(shmctl(id, IPC_RMID, NULL));
  p[3] = 'r';
  CHECK(read_only[3] == 'r');
  state(id);
  mix((const void *)p, 10000);
  CHECK_SYS(shmdt((void *)read_only));
  CHECK_SYS(shmdt(rounded));
  CHECK_SYS(shmdt((void *)p));
  CHECK_ERRNO(shmat(id, NULL, 0), EINVAL);
  CHECK_ERRNO(shmget(0x7fffff00 ^ getpid(), 100, 0), ENOENT);
  struct shm_info info;
  memset(&info, 0xee, sizeof(info));
  printf("highest index %d\n", CHECK_SYS(shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info)));
  MIX(info);
  return done();
}
