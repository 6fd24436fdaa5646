/* setuid and its kin are per thread in the kernel; libc makes them per process by a signal to every thread. */
#include "guest_tasks.h"

#include <grp.h>
#include <sys/fsuid.h>

enum { THREADS = 6 };

static struct gate ready, looked, look[THREADS];
static uid_t uids[THREADS][3];
static gid_t gids[THREADS][3];

static void *looks(void *arg) {
  long which = (long)arg;
  char byte;
  for (int i = 0; i < 3; i++) {
    gate_open(ready);
    /* libc's signal interrupts this, and it restarts. */
    CHECK(read(look[which].ends[0], &byte, 1) == 1);
    CHECK_SYS(getresuid(&uids[which][0], &uids[which][1], &uids[which][2]));
    CHECK_SYS(getresgid(&gids[which][0], &gids[which][1], &gids[which][2]));
    gate_open(looked);
  }
  return arg;
}

static void see(uid_t real, uid_t effective, uid_t saved) {
  for (int i = 0; i < THREADS; i++)
    gate_open(look[i]);
  for (int i = 0; i < THREADS; i++)
    gate_wait(looked);
  for (int i = 0; i < THREADS; i++)
    CHECK(uids[i][0] == real && uids[i][1] == effective && uids[i][2] == saved);
}

int main(void) {
  pthread_t threads[THREADS];
  uid_t real, effective, saved;
  ready = gate_make();
  looked = gate_make();
  for (long i = 0; i < THREADS; i++) {
    look[i] = gate_make();
    CHECK_ZERO(pthread_create(&threads[i], NULL, looks, (void *)i));
  }
  for (int i = 0; i < THREADS; i++)
    gate_wait(ready);
  CHECK_SYS(getresuid(&real, &effective, &saved));
  printf("uids %d %d %d, file system uid %d\n", real, effective, saved, setfsuid(-1));

  /* What anybody may do. */
  CHECK_SYS(setresgid(-1, -1, -1));
  CHECK_SYS(setuid(getuid()));
  CHECK_SYS(setgid(getgid()));
  see(real, effective, saved);
  for (int i = 0; i < THREADS; i++)
    gate_wait(ready);

  int changed = setresuid(1234, 1235, real);
  printf("setresuid: %s\n", changed ? strerror(errno) : "done");
  CHECK(changed == 0 || errno == EPERM || errno == EINVAL);
  if (changed == 0)
    see(1234, 1235, real);
  else
    see(real, effective, saved);
  for (int i = 0; i < THREADS; i++)
    gate_wait(ready);
  if (changed == 0) {
    /* The raw syscall changes the calling thread alone. */
    CHECK(raw_syscall(SYS_setresuid, 1235, 1235, -1, 0, 0, 0) == 0);
    see(1234, 1235, real);
    CHECK(getuid() == 1235);
    CHECK_ERRNO(setuid(4321), EPERM);
    CHECK_SYS(seteuid(real));
  } else {
    see(real, effective, saved);
  }
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  gid_t groups[64];
  int count = getgroups(64, groups);
  printf("%d groups, gids %d %d\n", count, getgid(), getegid());
  mix(gids, sizeof(gids));
  mix(groups, count > 0 ? count * sizeof(gid_t) : 0);
  return done();
}
