/* Rests with connected sockets of each kind between two processes, with something under way in both directions, and some
 * that nobody has accepted; then looks whether all is there. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define KINDS 4
#define LARGE 300000
typedef union {
  struct sockaddr any;
  struct sockaddr_in old;
  struct sockaddr_in6 new;
  struct sockaddr_un path;
} address;

static const char *names[KINDS] = {"IPv4", "IPv6", "stream", "packets"};
static const int families[KINDS] = {AF_INET, AF_INET6, AF_UNIX, AF_UNIX};
static const int types[KINDS] = {SOCK_STREAM, SOCK_STREAM, SOCK_STREAM, SOCK_SEQPACKET};
static int usable[KINDS], listening[KINDS];
static address addresses[KINDS];
static socklen_t sizes[KINDS];

struct end {
  int fd;
  address local, peer;
  socklen_t local_size, peer_size;
};

static void check(const char *kind, const char *what, int right) {
  dprintf(1, "%s, %s: %s\n", kind, what, right ? "right" : strerror(errno));
}

static void look(struct end *end, int fd) {
  memset(end, 0, sizeof *end);
  end->fd = fd;
  end->local_size = sizeof end->local;
  end->peer_size = sizeof end->peer;
  getsockname(fd, &end->local.any, &end->local_size);
  getpeername(fd, &end->peer.any, &end->peer_size);
}

static int same(const struct end *end) {
  struct end now;
  look(&now, end->fd);
  return now.local_size == end->local_size && now.peer_size == end->peer_size &&
         !memcmp(&now.local, &end->local, sizeof now.local) && !memcmp(&now.peer, &end->peer, sizeof now.peer);
}

static int comes(int fd, const char *text) {
  char got[100] = "";
  size_t size = strlen(text);
  return recv(fd, got, size, MSG_WAITALL) == (ssize_t)size && !strcmp(got, text);
}

static int ends(int fd) {
  char byte;
  return recv(fd, &byte, 1, 0) == 0;
}

/* A socket at a port that no other program is given by chance, and that can be had again at once. */
static int placed(int i) {
  static unsigned step;
  int fd = socket(families[i], types[i], 0), one = 1;
  if (fd < 0 || families[i] == AF_UNIX) return fd;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  for (int tries = 0; tries < 1000; tries++) {
    in_port_t port = htons(12000 + (getpid() * 61u + step++ * 7u) % 18000);
    address at = {.any.sa_family = families[i]};
    if (families[i] == AF_INET) {
      at.old.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      at.old.sin_port = port;
    } else {
      at.new.sin6_addr = in6addr_loopback;
      at.new.sin6_port = port;
    }
    if (bind(fd, &at.any, families[i] == AF_INET ? sizeof at.old : sizeof at.new) == 0) return fd;
    if (errno != EADDRINUSE) break;
  }
  close(fd);
  return -1;
}

static void open_listeners(void) {
  for (int i = 0; i < KINDS; i++) {
    address *at = &addresses[i];
    sizes[i] = sizeof *at;
    at->any.sa_family = families[i];
    if (types[i] == SOCK_STREAM) {
      strcpy(at->path.sun_path, "server.socket");
      sizes[i] = sizeof at->path;
    } else {
      sizes[i] = offsetof(struct sockaddr_un, sun_path) + 1 +
                 sprintf(at->path.sun_path + 1, "scribe-connections-%d", getpid());
    }
    listening[i] = placed(i);
    usable[i] = listening[i] >= 0 && (families[i] != AF_UNIX || !bind(listening[i], &at->any, sizes[i])) &&
                !listen(listening[i], 8);
    if (!usable[i]) continue;
    socklen_t size = sizeof *at;
    getsockname(listening[i], &at->any, &size);
    sizes[i] = size;
  }
}

static int join(int i) {
  int fd = placed(i);
  if (families[i] != AF_INET) return connect(fd, &addresses[i].any, sizes[i]) == 0 ? fd : -1;
  // Asks once more whether it is connected by now.
  struct pollfd ready = {.fd = fd, .events = POLLOUT};
  fcntl(fd, F_SETFL, O_NONBLOCK);
  connect(fd, &addresses[i].any, sizes[i]);
  poll(&ready, 1, -1);
  int done = connect(fd, &addresses[i].any, sizes[i]) == 0 || errno == EISCONN;
  fcntl(fd, F_SETFL, 0);
  return done ? fd : -1;
}

static char *pattern(void) {
  static char bytes[LARGE];
  for (int i = 0; i < LARGE; i++) bytes[i] = i * 31 >> 3;
  return bytes;
}

static int client(int go, int done) {
  struct end plain[KINDS], half[KINDS];
  int waiting[KINDS];
  char byte;
  for (int i = 0; i < KINDS; i++) {
    if (!usable[i]) continue;
    int fd = join(i);
    int one = 1;
    if (families[i] != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    write(fd, "to the server", 13);
    look(&plain[i], fd);
    look(&half[i], join(i));
    write(half[i].fd, "last word", 9);
    shutdown(half[i].fd, SHUT_WR);
    int gone = join(i);
    write(gone, "of one that is gone", 19);
    close(gone);
    int large = join(i);
    if (types[i] == SOCK_STREAM) send(large, pattern(), LARGE, MSG_DONTWAIT);
    waiting[i] = join(i);
    write(waiting[i], "of one that waits", 17);
  }
  write(done, "x", 1);
  if (read(go, &byte, 1) != 1) return 1;
  for (int i = 0; i < KINDS; i++) {
    if (!usable[i]) continue;
    check(names[i], "addresses of the client", same(&plain[i]) && same(&half[i]));
    check(names[i], "what came to the client", comes(plain[i].fd, "to the client"));
    check(names[i], "the client still receives", comes(half[i].fd, "answer"));
    check(names[i], "the client sends no more", send(half[i].fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
    if (families[i] != AF_UNIX) {
      int one = 0;
      socklen_t size = sizeof one;
      getsockopt(plain[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, &size);
      check(names[i], "options", one != 0);
    }
    write(plain[i].fd, "more", 4);
    write(waiting[i], " and more", 9);
  }
  return 0;
}

int main(void) {
  int go[2], done[2], status;
  struct end plain[KINDS], half[KINDS];
  int gone[KINDS], large[KINDS];
  char byte;
  open_listeners();
  pipe(go);
  pipe(done);
  pid_t child = fork();
  if (child == 0) _exit(client(go[0], done[1]));
  for (int i = 0; i < KINDS; i++) {
    if (!usable[i]) continue;
    look(&plain[i], accept(listening[i], NULL, NULL));
    write(plain[i].fd, "to the client", 13);
    look(&half[i], accept4(listening[i], NULL, NULL, SOCK_CLOEXEC));
    write(half[i].fd, "answer", 6);
    gone[i] = accept(listening[i], NULL, NULL);
    large[i] = accept(listening[i], NULL, NULL);
    // A part of what is under way has been read.
    if (!comes(plain[i].fd, types[i] == SOCK_STREAM ? "to the " : "to the server")) return 3;
  }
  read(done[0], &byte, 1);
  write(1, "rests\n", 6);
  if (read(0, &byte, 1) != 1) return 1;
  write(go[1], "x", 1);
  waitpid(child, &status, 0);
  if (status != 0) return 4;
  for (int i = 0; i < KINDS; i++) {
    if (!usable[i]) continue;
    int is_stream = types[i] == SOCK_STREAM;
    check(names[i], "addresses of the server", same(&plain[i]) && same(&half[i]));
    check(names[i], "what came to the server", comes(plain[i].fd, is_stream ? "servermore" : "more"));
    check(names[i], "the last word", comes(half[i].fd, "last word") && ends(half[i].fd));
    check(names[i], "one that is gone", comes(gone[i], "of one that is gone") && ends(gone[i]));
    int fd = accept(listening[i], NULL, NULL);
    check(names[i], "one that waits",
          is_stream ? comes(fd, "of one that waits and more")
                    : comes(fd, "of one that waits") && comes(fd, " and more"));
    if (!is_stream) continue;
    char *all = malloc(LARGE);
    ssize_t size = recv(large[i], all, LARGE, MSG_WAITALL);
    check(names[i], "much", size > 50000 && !memcmp(all, pattern(), size));
  }
  return 7;
}
