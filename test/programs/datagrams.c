/* Rests with datagrams that nobody has received yet, some of them from sockets that are closed by then; then looks whether
 * they come, and from whom. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KINDS 2
typedef union {
  struct sockaddr any;
  struct sockaddr_in old;
  struct sockaddr_un path;
} address;

static const char *names[KINDS] = {"unix", "internet"};
static const int families[KINDS] = {AF_UNIX, AF_INET};

static void check(const char *kind, const char *what, int right) {
  dprintf(1, "%s, %s: %s\n", kind, what, right ? "right" : strerror(errno));
}

/* Returns the address that a socket has got. */
static address bound(int fd, int i, const char *path) {
  address at = {.any.sa_family = families[i]};
  socklen_t size = sizeof at.old;
  if (families[i] == AF_UNIX) {
    strcpy(at.path.sun_path, path);
    size = sizeof at.path;
  } else at.old.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(fd, &at.any, size);
  memset(&at, 0, size = sizeof at);
  getsockname(fd, &at.any, &size);
  return at;
}

static int comes(int fd, const char *text, const address *from) {
  char got[100] = "";
  address sender;
  socklen_t size = sizeof sender;
  memset(&sender, 0, sizeof sender);
  ssize_t length = recvfrom(fd, got, sizeof got, MSG_DONTWAIT, &sender.any, &size);
  return length == (ssize_t)strlen(text) && !strcmp(got, text) && !memcmp(&sender, from, sizeof sender);
}

struct known {
  address receiver, sender, gone;
};

static int client(int i, const struct known *known, int sender, int gone, int go, int done) {
  char byte;
  connect(sender, &known->receiver.any, families[i] == AF_UNIX ? sizeof(struct sockaddr_un) : sizeof(struct sockaddr_in));
  send(sender, "one", 3, 0);
  struct iovec part = {"two", 3};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  sendmsg(sender, &message, 0);
  sendto(gone, "of one that is gone", 19, 0, &known->receiver.any,
         families[i] == AF_UNIX ? sizeof(struct sockaddr_un) : sizeof(struct sockaddr_in));
  close(gone);
  write(done, "x", 1);
  if (read(go, &byte, 1) != 1) return 1;
  check(names[i], "the answer", comes(sender, "answer", &known->receiver));
  check(names[i], "it is connected", send(sender, "more", 4, 0) == 4);
  return 0;
}

int main(void) {
  static const char *paths[3] = {"receiver.socket", "sender.socket", "gone.socket"};
  int go[KINDS][2], done[2], receivers[KINDS], status;
  struct known known[KINDS];
  pid_t children[KINDS];
  char byte;
  pipe(done);
  for (int i = 0; i < KINDS; i++) {
    pipe(go[i]);
    receivers[i] = socket(families[i], SOCK_DGRAM, 0);
    int sender = socket(families[i], SOCK_DGRAM, 0), gone = socket(families[i], SOCK_DGRAM, 0);
    known[i] = (struct known){bound(receivers[i], i, paths[0]), bound(sender, i, paths[1]), bound(gone, i, paths[2])};
    children[i] = fork();
    if (children[i] == 0) _exit(client(i, &known[i], sender, gone, go[i][0], done[1]));
    close(sender);
    close(gone);
    read(done[0], &byte, 1);
    if (!comes(receivers[i], "one", &known[i].sender)) return 3;
    sendto(receivers[i], "answer", 6, 0, &known[i].sender.any,
           families[i] == AF_UNIX ? sizeof(struct sockaddr_un) : sizeof(struct sockaddr_in));
  }
  write(1, "rests\n", 6);
  if (read(0, &byte, 1) != 1) return 1;
  for (int i = 0; i < KINDS; i++) {
    write(go[i][1], "x", 1);
    waitpid(children[i], &status, 0);
    if (status != 0) return 4;
    check(names[i], "what waits", comes(receivers[i], "two", &known[i].sender));
    check(names[i], "one that is gone", comes(receivers[i], "of one that is gone", &known[i].gone));
    check(names[i], "what came later", comes(receivers[i], "more", &known[i].sender));
    check(names[i], "no more", !comes(receivers[i], "", &known[i].sender) && errno == EAGAIN);
  }
  return 7;
}
