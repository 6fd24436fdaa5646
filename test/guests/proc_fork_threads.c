/* fork in a process with threads: the child has the caller alone, and pthread_atfork handlers run around it. */
#include "guest_tasks.h"

#include <dirent.h>

enum { THREADS = 4, FORKS = 5 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared;
static volatile int stop;
static char order[64];

static void prepare(void) {
  pthread_mutex_lock(&lock);
  strcat(order, "p");
}
static void in_parent(void) {
  strcat(order, "P");
  pthread_mutex_unlock(&lock);
}
static void in_child(void) {
  strcat(order, "C");
  pthread_mutex_unlock(&lock);
}

static void *busy(void *arg) {
  while (!stop) {
    pthread_mutex_lock(&lock);
    shared++;
    sched_yield();
    shared++;
    pthread_mutex_unlock(&lock);
    free(malloc(100));
  }
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

static void *in_new_thread(void *arg) {
  *(pid_t *)arg = gettid();
  return NULL;
}

static void child(void) {
  CHECK(count_tasks() == 1);
  CHECK(gettid() == getpid());
  pthread_mutex_lock(&lock);
  CHECK(shared % 2 == 0);
  printf("child %d at %ld\n", getpid(), shared);
  pthread_mutex_unlock(&lock);
  pthread_t thread;
  pid_t tid = 0;
  CHECK_ZERO(pthread_create(&thread, NULL, in_new_thread, &tid));
  CHECK_ZERO(pthread_join(thread, NULL));
  CHECK(tid > 0 && tid != getpid());
  _exit(tid & 0x3f);
}

static void *forks(void *arg) {
  for (int i = 0; i < FORKS; i++) {
    pid_t pid = CHECK_SYS(fork());
    if (pid == 0)
      child();
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    MIX(status);
  }
  return arg;
}

int main(void) {
  pthread_t threads[THREADS], forker;
  CHECK_ZERO(pthread_atfork(prepare, in_parent, in_child));
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, busy, NULL));
  /* From a thread that isn't the first, and from the first. */
  CHECK_ZERO(pthread_create(&forker, NULL, forks, NULL));
  CHECK_ZERO(pthread_join(forker, NULL));
  forks(NULL);
  stop = 1;
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(strcmp(order, "pPpPpPpPpPpPpPpPpPpP") == 0);
  printf("parent at %ld\n", shared);
  return done();
}
