/* What /proc/self says to threads of one process: ids, counts, states, stacks, command line. */
#include "guest_tasks.h"

#include <dirent.h>

enum { THREADS = 5 };

static struct gate ready, leave;

static long status_field(const char *path, const char *name) {
  char line[256];
  long value = -1;
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  while (fgets(line, sizeof(line), file))
    if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
      value = strtol(line + strlen(name) + 1, NULL, 0);
  fclose(file);
  return value;
}

static int count_tasks(void) {
  DIR *dir = opendir("/proc/self/task");
  CHECK(dir != NULL);
  struct dirent *entry;
  int count = 0;
  while ((entry = readdir(dir)) != NULL)
    count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

static void mix_file(const char *path) {
  char text[4096];
  int fd = CHECK_SYS(open(path, O_RDONLY));
  ssize_t size = CHECK_SYS(read(fd, text, sizeof(text)));
  close(fd);
  mix(text, size);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *thread(void *arg) {
  char path[64];
  pthread_mutex_lock(&lock);
  CHECK(status_field("/proc/self/status", "Pid") == getpid());
  CHECK(status_field("/proc/thread-self/status", "Pid") == gettid());
  CHECK(status_field("/proc/thread-self/status", "Tgid") == getpid());
  CHECK(status_field("/proc/thread-self/status", "PPid") == getppid());
  snprintf(path, sizeof(path), "/proc/self/task/%d/stat", gettid());
  mix_file(path);
  printf("thread %d: %ld kB resident, %ld switches, tracer %ld\n", gettid(), status_field("/proc/self/status", "VmRSS"),
         status_field("/proc/thread-self/status", "voluntary_ctxt_switches"),
         status_field("/proc/self/status", "TracerPid"));
  pthread_mutex_unlock(&lock);
  gate_open(ready);
  gate_wait(leave);
  return arg;
}

int main(void) {
  pthread_t threads[THREADS];
  ready = gate_make();
  leave = gate_make();
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_create(&threads[i], NULL, thread, NULL));
  for (int i = 0; i < THREADS; i++)
    gate_wait(ready);
  CHECK(count_tasks() == THREADS + 1);
  CHECK(status_field("/proc/self/status", "Threads") == THREADS + 1);
  for (int i = 0; i < THREADS; i++)
    gate_open(leave);
  for (int i = 0; i < THREADS; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));
  CHECK(status_field("/proc/self/status", "Tgid") == getpid());
  mix_file("/proc/self/stat");
  mix_file("/proc/self/statm");
  mix_file("/proc/self/cmdline");
  char link[PATH_MAX];
  ssize_t size = CHECK_SYS(readlink("/proc/self", link, sizeof(link)));
  link[size] = '\0';
  CHECK(atoi(link) == getpid());
  size = CHECK_SYS(readlink("/proc/thread-self", link, sizeof(link)));
  printf("/proc/thread-self is %.*s\n", (int)size, link);
  return done();
}
