/*
 * Message queues of POSIX: one with a name, one that has lost it, one that nobody has open. Rests, and checks what waits in
 * them when a byte has come; ends with 11. With the id that it told as an
 * argument it only removes what has been left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

static int gives(mqd_t queue, unsigned wanted, const char *text) {
  char found[64] = "";
  unsigned priority = 99;
  return mq_receive(queue, found, sizeof found, &priority) == (ssize_t)strlen(text) && priority == wanted && !strcmp(found, text);
}

static void put(mqd_t queue, unsigned priority, const char *text) { mq_send(queue, text, strlen(text), priority); }

int main(int argc, char **argv) {
  char name[32], hidden[32], resting[32];
  int id = argc > 1 ? atoi(argv[1]) : getpid();
  sprintf(name, "/scribe-named-%d", id);
  sprintf(hidden, "/scribe-hidden-%d", id);
  sprintf(resting, "/scribe-resting-%d", id);
  if (argc > 1) return mq_unlink(name) != 0 || mq_unlink(resting) != 0;
  dprintf(1, "%d\n", id);
  struct mq_attr small = {.mq_maxmsg = 5, .mq_msgsize = 64}, now;
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0640, &small);
  mqd_t nameless = mq_open(hidden, O_RDWR | O_CREAT | O_EXCL, 0600, &small);
  mq_unlink(hidden);
  mqd_t left = mq_open(resting, O_WRONLY | O_CREAT | O_EXCL, 0600, &small);
  put(left, 0, "nobody has it open");
  mq_close(left);
  put(queue, 1, "low");
  put(queue, 5, "gone");
  put(queue, 5, "high");
  put(queue, 1, "low again");
  gives(queue, 5, "gone");
  int ready[2];
  pipe(ready);
  pid_t child = fork();
  if (child == 0) {
    write(ready[1], "x", 1);
    _exit(!(gives(nameless, 7, "for the child") && mq_send(queue, "from the child", 14, 9) == 0));
  }
  read(ready[0], name + sizeof name - 1, 1);
  name[sizeof name - 1] = 0;
  dprintf(1, "rests\n");
  char byte;
  if (read(0, &byte, 1) != 1) return 1;

  check(mq_getattr(queue, &now) == 0 && now.mq_maxmsg == 5 && now.mq_msgsize == 64 && now.mq_curmsgs == 3, "how much it takes");
  check((now.mq_flags & O_NONBLOCK) != 0 && (fcntl(queue, F_GETFD) & FD_CLOEXEC) != 0, "flags");
  struct stat status;
  check(fstat(queue, &status) == 0 && (status.st_mode & 0777) == 0640, "mode");
  put(nameless, 7, "for the child");
  int ended = -1;
  check(waitpid(child, &ended, 0) == child && ended == 0, "the child gets its message");
  check(gives(queue, 9, "from the child") && gives(queue, 5, "high"), "the highest first");
  mqd_t again = mq_open(name, O_RDONLY);
  check(gives(again, 1, "low") && gives(queue, 1, "low again"), "the oldest first");
  check(!gives(queue, 0, "") && errno == EAGAIN, "no more");
  left = mq_open(resting, O_RDONLY);
  check(gives(left, 0, "nobody has it open"), "a queue that nobody has open");
  check(mq_unlink(name) == 0 && mq_unlink(resting) == 0, "names");
  return 11;
}
