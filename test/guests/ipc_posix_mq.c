/* POSIX message queues: priorities come back through a pointer, attributes, poll on the descriptor, a time limit. */
#include "guest.h"

#include <mqueue.h>
#include <poll.h>
#include <time.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof(name), "/guest-mq-%d", getpid());
  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64}, now;
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
  if (queue == -1) {
    printf("errno %d\n", errno);
    skip("no POSIX message queues");
  }
  CHECK_SYS(mq_send(queue, "low", 3, 1));
  CHECK_SYS(mq_send(queue, "high", 4, 9));
  CHECK_SYS(mq_send(queue, "", 0, 5));
  memset(&now, 0xee, sizeof(now));
  CHECK_SYS(mq_getattr(queue, &now));
  CHECK(now.mq_curmsgs == 3 && now.mq_maxmsg == 4 && now.mq_msgsize == 64);
  MIX(now);
  struct pollfd wait = {.fd = queue, .events = POLLIN | POLLOUT};
  CHECK(poll(&wait, 1, -1) == 1 && wait.revents == (POLLIN | POLLOUT));

  char text[64];
  memset(text, '#', sizeof(text));
  unsigned priority = 77;
  CHECK(mq_receive(queue, text, sizeof(text), &priority) == 4 && priority == 9 && memcmp(text, "high#", 5) == 0);
  CHECK(mq_receive(queue, text, sizeof(text), &priority) == 0 && priority == 5);
  CHECK(mq_receive(queue, text, sizeof(text), NULL) == 3);
  MIX(text);
  CHECK_ERRNO(mq_receive(queue, text, 8, NULL), EMSGSIZE);
  CHECK_ERRNO(mq_send(queue, text, 65, 0), EMSGSIZE);
  struct timespec until;
  CHECK_SYS(clock_gettime(CLOCK_REALTIME, &until));
  CHECK_ERRNO(mq_timedreceive(queue, text, sizeof(text), NULL, &until), ETIMEDOUT);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    mqd_t own = CHECK_SYS(mq_open(name, O_WRONLY));
    for (int i = 0; i < 10; i++) {
      int size = snprintf(text, sizeof(text), "message %d of %d", i, getpid());
      CHECK_SYS(mq_send(own, text, (size_t)size, (unsigned)(i % 3)));
    }
    _exit(0);
  }
  for (int i = 0; i < 10; i++) {
    ssize_t size = CHECK_SYS(mq_receive(queue, text, sizeof(text), &priority));
    /* How many wait when the next is taken, and so the order, is chance. */
    printf("%u %.*s\n", priority, (int)size, text);
  }
  wait_ok(child);

  attributes.mq_flags = O_NONBLOCK;
  CHECK_SYS(mq_setattr(queue, &attributes, &now));
  MIX(now);
  CHECK_ERRNO(mq_receive(queue, text, sizeof(text), NULL), EAGAIN);
  CHECK_SYS(mq_unlink(name));
  CHECK_ERRNO(mq_unlink(name), ENOENT);
  CHECK_SYS(mq_close(queue));
  return done();
}
