/*
 * Two processes with memory that they share with files: one with a name, one of shm_open with a name and one without, and
 * a semaphore of sem_open. Rests, and checks that stores reach the files when a byte has come; ends with 9.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 10000

static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

static char *map(int fd) {
  char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return memory;
}

static int holds(int fd, off_t at, const char *text) {
  char found[32] = "";
  int right = pread(fd, found, strlen(text), at) == (ssize_t)strlen(text) && !strcmp(found, text);
  close(fd);
  return right;
}

int main(void) {
  char name[32], hidden[32], semaphore[32];
  sprintf(name, "/scribe-named-%d", getpid());
  sprintf(hidden, "/scribe-hidden-%d", getpid());
  sprintf(semaphore, "/scribe-%d", getpid());
  dprintf(1, "/dev/shm%s /dev/shm/sem.%s\n", name, semaphore + 1);
  int fd = open("early", O_RDWR | O_CREAT | O_TRUNC, 0644);
  ftruncate(fd, SIZE);
  char *data = map(fd);
  strcpy(data + 9000, "in the file");
  rename("early", "data");
  char *view = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, open("data", O_RDONLY), 0);
  fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0640);
  ftruncate(fd, SIZE);
  char *named = map(fd);
  strcpy(named, "has a name");
  fd = shm_open(hidden, O_RDWR | O_CREAT | O_EXCL, 0600);
  ftruncate(fd, SIZE);
  char *nameless = map(fd);
  shm_unlink(hidden);
  sem_t *turns = sem_open(semaphore, O_CREAT | O_EXCL, 0600, 2);
  sem_wait(turns);
  int ready[2], go[2];
  pipe(ready);
  pipe(go);
  pid_t child = fork();
  if (child == 0) {
    strcpy(nameless, "from the child");
    write(ready[1], "x", 1);
    read(go[0], hidden, 1);
    sem_wait(turns);
    sem_wait(turns);
    check(!strcmp(nameless, "from the parent") && !strcmp(data, "stored"), "the child sees what is stored");
    strcpy(named + 100, "the child was here");
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  dprintf(1, "rests\n");
  if (read(0, &byte, 1) != 1) return 1;

  check(!strcmp(data + 9000, "in the file") && !strcmp(view + 9000, "in the file"), "what was in the file");
  strcpy(data, "stored");
  check(!strcmp(view, "stored"), "two views");
  check(holds(open("data", O_RDONLY), 0, "stored"), "a store reaches the file");
  check(!strcmp(named, "has a name"), "memory with a name");
  strcpy(named + 50, "more");
  struct stat status;
  fd = shm_open(name, O_RDWR, 0);
  check(fstat(fd, &status) == 0 && status.st_size == SIZE && (status.st_mode & 0777) == 0640, "size and mode");
  check(holds(fd, 50, "more"), "a store reaches memory with a name");
  check(!strcmp(nameless, "from the child"), "memory without a name");
  strcpy(nameless, "from the parent");
  write(go[1], "x", 1);
  sem_post(turns);
  int ended = -1;
  check(waitpid(child, &ended, 0) == child && ended == 0, "the child gets its turn");
  check(holds(shm_open(name, O_RDONLY, 0), 100, "the child was here"), "its store as well");
  char path[64];
  sprintf(path, "/dev/shm/sem.%s", semaphore + 1);
  char *inside = map(open(path, O_RDWR));
  char before = *inside;
  sem_post(turns);
  check(inside != MAP_FAILED && before != *inside, "the semaphore with that name is this one");
  check(shm_unlink(name) == 0 && sem_unlink(semaphore) == 0, "both names go");
  return 9;
}
