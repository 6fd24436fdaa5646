/* Thread names: PR_SET_NAME, comm files of oneself and others, truncation, inheritance, exec. */
#include "guest_tasks.h"

static void read_comm(pid_t pid, pid_t tid, char *name, size_t size) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL && fgets(name, size, file) != NULL);
  fclose(file);
  name[strcspn(name, "\n")] = '\0';
}

struct named {
  pthread_t thread;
  pid_t tid;
  struct gate ready, leave;
};

static void *named_thread(void *arg) {
  struct named *named = arg;
  char name[32], own[32];
  named->tid = gettid();
  snprintf(name, sizeof(name), "worker-%d", named->tid);
  CHECK_SYS(prctl(PR_SET_NAME, name));
  CHECK_SYS(prctl(PR_GET_NAME, own));
  CHECK(strcmp(name, own) == 0);
  gate_open(named->ready);
  gate_wait(named->leave);
  return NULL;
}

int main(int argc, char **argv) {
  char name[32];
  CHECK_SYS(prctl(PR_GET_NAME, name));
  if (argc > 1) {
    /* exec names the task after the file. */
    printf("after exec: %s\n", name);
    CHECK(strncmp(name, guest_name(), 10) == 0);
    return done();
  }
  (void)argv;
  printf("started as %s\n", name);
  CHECK_SYS(prctl(PR_SET_NAME, "a name much longer than fits"));
  CHECK_SYS(prctl(PR_GET_NAME, name));
  CHECK(strcmp(name, "a name much lon") == 0);
  read_comm(getpid(), getpid(), name, sizeof(name));
  CHECK(strcmp(name, "a name much lon") == 0);

  struct named workers[4];
  for (int i = 0; i < 4; i++) {
    workers[i].ready = gate_make();
    workers[i].leave = gate_make();
    CHECK_ZERO(pthread_create(&workers[i].thread, NULL, named_thread, &workers[i]));
  }
  for (int i = 0; i < 4; i++) {
    char expected[32];
    gate_wait(workers[i].ready);
    read_comm(getpid(), workers[i].tid, name, sizeof(name));
    snprintf(expected, sizeof(expected), "worker-%d", workers[i].tid);
    CHECK(strcmp(name, expected) == 0);
    printf("%s\n", name);
    CHECK_ZERO(pthread_setname_np(workers[i].thread, "renamed"));
    read_comm(getpid(), workers[i].tid, name, sizeof(name));
    CHECK(strcmp(name, "renamed") == 0);
    gate_open(workers[i].leave);
    CHECK_ZERO(pthread_join(workers[i].thread, NULL));
  }
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK_SYS(prctl(PR_GET_NAME, name));
    _exit(strcmp(name, "a name much lon") == 0 ? 0 : 1);
  }
  wait_exit(pid, 0);
  int fd = CHECK_SYS(open("/proc/self/comm", O_WRONLY));
  CHECK(write(fd, "by file\n", 8) == 8);
  close(fd);
  CHECK_SYS(prctl(PR_GET_NAME, name));
  CHECK(strncmp(name, "by file", 7) == 0);
  execl(self_path(), "self", "again", NULL);
  CHECK(0 && "exec");
}
