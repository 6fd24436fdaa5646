/* exec by the first thread while others sleep, spin and wait: they are gone, the process stays. */
#include "guest_tasks.h"

#include <dirent.h>
#include <poll.h>
#include <semaphore.h>

static struct gate ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *waits(void *arg) {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  gate_open(ready);
  switch ((long)arg) {
  case 0:
    pthread_mutex_lock(&lock);
    break;
  case 1:
    nap_us(60 * 1000000L);
    break;
  case 2:
    sem_wait(&semaphore);
    break;
  case 3:
    poll(NULL, 0, -1);
    break;
  case 4:
    pause();
    break;
  }
  for (;;)
    sched_yield();
  return arg;
}

static int count_tasks(void) {
  DIR *dir = opendir("/proc/self/task");
  CHECK(dir != NULL);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    CHECK(getpid() == atoi(argv[1]) && gettid() == getpid());
    CHECK(count_tasks() == 1);
    printf("again %d, stack %p\n", getpid(), (void *)&argc);
    return done();
  }
  (void)argv;
  pthread_t thread;
  char pid[32];
  ready = gate_make();
  pthread_mutex_lock(&lock);
  for (long i = 0; i < 6; i++)
    CHECK_ZERO(pthread_create(&thread, NULL, waits, (void *)i));
  for (int i = 0; i < 6; i++)
    gate_wait(ready);
  nap_us(1000);
  snprintf(pid, sizeof(pid), "%d", getpid());
  printf("process %s of %d tasks\n", pid, count_tasks());
  execl(self_path(), "self", pid, NULL);
  CHECK(0 && "exec");
}
