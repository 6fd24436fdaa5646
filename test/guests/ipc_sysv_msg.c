/* System V message queues: types, cutting with MSG_NOERROR, a reader that waits, a full queue, MSG_COPY. */
#include "guest.h"

#include <sys/msg.h>

struct message {
  long type;
  char text[64];
};

static int put(int id, long type, const char *text, int flags) {
  struct message message = {.type = type};
  strcpy(message.text, text);
  return msgsnd(id, &message, strlen(text), flags);
}

int main(void) {
  int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  if (id == -1) {
    CHECK(errno == ENOSYS || errno == ENOSPC);
    skip("no System V message queues");
  }
  struct message got;
  memset(&got, 0xee, sizeof(got));
  CHECK_SYS(put(id, 5, "five", 0));
  CHECK_SYS(put(id, 3, "three", 0));
  CHECK_SYS(put(id, 9, "a longer one", 0));
  CHECK_SYS(put(id, 3, "", 0));
  CHECK(msgrcv(id, &got, sizeof(got.text), 3, 0) == 5 && got.type == 3);
  CHECK(msgrcv(id, &got, sizeof(got.text), -4, 0) == 0 && got.type == 3);
  CHECK_ERRNO(msgrcv(id, &got, 4, 9, 0), E2BIG);
  CHECK(msgrcv(id, &got, 4, 9, MSG_NOERROR) == 4 && memcmp(got.text, "a lo", 4) == 0);
  MIX(got);
  CHECK_ERRNO(msgrcv(id, &got, 4, 77, IPC_NOWAIT), ENOMSG);
  ssize_t copied = msgrcv(id, &got, sizeof(got.text), 0, MSG_COPY | IPC_NOWAIT);
  printf("copied %zd errno %d\n", copied, copied == -1 ? errno : 0);
  CHECK(msgrcv(id, &got, sizeof(got.text), 3, MSG_EXCEPT) == 4 && got.type == 5);
  CHECK_ERRNO(put(id, 0, "bad type", 0), EINVAL);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    for (int i = 0; i < 20; i++) {
      CHECK_SYS(msgrcv(id, &got, sizeof(got.text), 1, 0));
      char answer[32];
      snprintf(answer, sizeof(answer), "%.10s by %d", got.text, getpid());
      CHECK_SYS(put(id, 2, answer, 0));
    }
    _exit(0);
  }
  for (int i = 0; i < 20; i++) {
    char text[16];
    snprintf(text, sizeof(text), "%-10d", i);
    CHECK_SYS(put(id, 1, text, 0));
    memset(&got, 0, sizeof(got));
    CHECK_SYS(msgrcv(id, &got, sizeof(got.text), 2, 0));
    CHECK(atoi(got.text) == i);
    MIX(got);
  }
  printf("%s\n", got.text);
  wait_ok(child);

  static struct {
    long type;
    char bytes[4000];
  } large = {.type = 6};
  int sent = 0;
  while (msgsnd(id, &large, sizeof(large.bytes), IPC_NOWAIT) == 0)
    sent++;
  CHECK(errno == EAGAIN);
  struct msqid_ds ds;
  memset(&ds, 0xee, sizeof(ds));
  CHECK_SYS(msgctl(id, IPC_STAT, &ds));
  CHECK(ds.msg_qnum == (msgqnum_t)sent && ds.msg_lspid == getpid() && ds.msg_lrpid == getpid());
  printf("%d messages fit, %lu bytes allowed\n", sent, ds.msg_qbytes);
  MIX(ds);
  CHECK_SYS(msgctl(id, IPC_RMID, NULL));
  CHECK_ERRNO(put(id, 1, "x", 0), EINVAL);
  return done();
}
