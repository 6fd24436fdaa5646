/* Named semaphores, and unnamed ones in shared memory: waits across processes, a time limit. */
#include "guest.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <time.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof(name), "/guest-sem-%d", getpid());
  sem_t *named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  if (named == SEM_FAILED)
    skip("no /dev/shm");
  CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST);
  sem_t *shared = CHECK_SYS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(sem_init(shared, 1, 0));

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    sem_t *own = sem_open(name, 0);
    CHECK(own != SEM_FAILED);
    for (int i = 0; i < 50; i++) {
      CHECK_SYS(TEMP_FAILURE_RETRY(sem_wait(own)));
      CHECK_SYS(sem_post(shared));
    }
    _exit(0);
  }
  for (int i = 0; i < 50; i++) {
    CHECK_SYS(sem_post(named));
    CHECK_SYS(TEMP_FAILURE_RETRY(sem_wait(shared)));
  }
  wait_ok(child);

  int value = -1;
  CHECK_SYS(sem_getvalue(named, &value));
  CHECK(value == 0);
  CHECK_ERRNO(sem_trywait(named), EAGAIN);
  struct timespec until;
  CHECK_SYS(clock_gettime(CLOCK_REALTIME, &until));
  until.tv_nsec += 3000000;
  if (until.tv_nsec >= 1000000000)
    until.tv_sec++, until.tv_nsec -= 1000000000;
  CHECK_ERRNO(sem_timedwait(named, &until), ETIMEDOUT);
  printf("waited until %lld.%09ld\n", (long long)until.tv_sec, until.tv_nsec);
  CHECK_SYS(sem_unlink(name));
  CHECK_SYS(sem_close(named));
  mix(shared, sizeof(*shared));
  return done();
}
