/*
 * Two processes with shared memory, semaphores and messages of System V. Tells the ids of what it has made, rests, and checks
 * all of it when a byte has come; ends with 8.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

struct message {
  long type;
  char text[32];
};

static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

static int operate(int set, int number, int by, int flags) {
  struct sembuf operation = {number, by, flags};
  return semop(set, &operation, 1);
}

static void send_text(int queue, long type, const char *text) {
  struct message message = {.type = type};
  strcpy(message.text, text);
  msgsnd(queue, &message, strlen(text), 0);
}

/* Whether the first message that `type` asks for is this one. */
static int receives(int queue, long type, long real, const char *text) {
  struct message message = {0};
  return msgrcv(queue, &message, sizeof message.text, type, IPC_NOWAIT) == (ssize_t)strlen(text) && message.type == real &&
         !strcmp(message.text, text);
}

static int attached(int segment) {
  struct shmid_ds status;
  return shmctl(segment, IPC_STAT, &status) == 0 ? (int)status.shm_nattch : -1;
}

int main(void) {
  const key_t key = 0x5c000000 + getpid();
  int named = shmget(key, 10000, IPC_CREAT | IPC_EXCL | 0640);
  int removed = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
  int resting = shmget(IPC_PRIVATE, 100, IPC_CREAT | 0600);
  int parted = shmget(IPC_PRIVATE, 3 * PAGE, IPC_CREAT | 0600);
  int set = semget(key, 3, IPC_CREAT | 0600);
  int queue = msgget(key, IPC_CREAT | 0600);
  dprintf(1, "-m %d -m %d -m %d -m %d -s %d -q %d\n", named, removed, resting, parted, set, queue);

  char *first = shmat(named, NULL, 0);
  char *same = shmat(named, NULL, SHM_RDONLY);
  char *doomed = shmat(removed, NULL, 0);
  shmctl(removed, IPC_RMID, NULL);
  char *left = shmat(resting, NULL, 0);
  strcpy(left, "nobody has it");
  shmdt(left);
  char *parts = shmat(parted, NULL, 0);
  strcpy(parts, "first part");
  strcpy(parts + 2 * PAGE, "third part");
  munmap(parts + PAGE, PAGE);
  char *between = mmap(parts + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  strcpy(between, "not shared");
  strcpy(first + 9000, "near the end");
  unsigned short values[3] = {5, 0, 2};
  semctl(set, 0, SETALL, values);
  send_text(queue, 3, "three");
  send_text(queue, 1, "one");
  send_text(queue, 2, "two");
  send_text(queue, 3, "more");
  receives(queue, 1, 1, "one");
  operate(set, 2, 1, SEM_UNDO);

  int ready[2];
  pipe(ready);
  pid_t child = fork();
  if (child == 0) {
    operate(set, 0, -2, SEM_UNDO);
    strcpy(doomed, "from the child");
    write(ready[1], "x", 1);
    operate(set, 1, -1, 0);
    check(!strcmp(doomed + PAGE, "from the parent"), "the child sees what is stored");
    check(!strcmp(parts + 2 * PAGE, "new third"), "the child sees a part");
    strcpy(first, "the child was here");
    send_text(queue, 7, "from the child");
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  dprintf(1, "rests\n");
  if (read(0, &byte, 1) != 1) return 1;

  check(shmget(key, 0, 0) == named && semget(key, 0, 0) == set && msgget(key, 0) == queue, "keys");
  check(!strcmp(first + 9000, "near the end") && !strcmp(same + 9000, "near the end"), "memory with a key");
  check(attached(named) == 4 && attached(removed) == 2 && attached(resting) == 0 && attached(parted) == 4, "how often attached");
  struct shmid_ds status;
  check(shmctl(named, IPC_STAT, &status) == 0 && status.shm_perm.mode == 0640 && status.shm_segsz == 10000, "mode and size");
  check(shmctl(removed, IPC_STAT, &status) == 0 && (status.shm_perm.mode & SHM_DEST) != 0, "still removed");
  check(!strcmp(doomed, "from the child"), "removed memory");
  strcpy(doomed + PAGE, "from the parent");
  left = shmat(resting, NULL, 0);
  check(left != (char *)-1 && !strcmp(left, "nobody has it"), "memory that nobody has");
  check(!strcmp(parts, "first part") && !strcmp(between, "not shared"), "memory in parts");
  strcpy(parts + 2 * PAGE, "new third");
  check(semctl(set, 0, GETVAL) == 3 && semctl(set, 1, GETVAL) == 0 && semctl(set, 2, GETVAL) == 3, "values");
  check(receives(queue, 2, 2, "two") && receives(queue, 0, 3, "three") && receives(queue, 0, 3, "more"), "messages");
  check(!receives(queue, 0, 0, "") && errno == ENOMSG, "no other message");
  check(operate(set, 1, 1, 0) == 0, "a semaphore is given");
  int ended = -1;
  check(waitpid(child, &ended, 0) == child && ended == 0, "the child ends");
  check(!strcmp(same, "the child was here"), "two views");
  check(semctl(set, 0, GETVAL) == 5 && semctl(set, 2, GETVAL) == 3, "what the child had taken is undone");
  check(receives(queue, -9, 7, "from the child"), "a message from the child");
  check(shmdt(doomed) == 0 && attached(removed) == -1, "removed at last");
  check(shmdt(first) == 0 && attached(named) == 1 && shmdt(same) == 0, "detached");
  child = fork();
  if (child == 0) _exit(mprotect(same, PAGE, PROT_READ) == 0 || shmdt(parts) != 0);
  check(waitpid(child, &ended, 0) == child && ended == 0, "a new child detaches");
  check(shmctl(named, IPC_RMID, NULL) == 0 && semctl(set, 0, IPC_RMID) == 0 && msgctl(queue, IPC_RMID, NULL) == 0, "all removed");
  return 8;
}
