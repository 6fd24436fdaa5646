/* Connects and accepts in many ways, and tells of each call who made it and which connection that was: lines of a task's id
 * and a token, in the order of its calls. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 3
#define THREADS 2
#define CLIENTS 2
#define EACH 12
#define LAST 0

static union {
  struct sockaddr any;
  struct sockaddr_in old;
  struct sockaddr_un path;
} place;
static socklen_t place_size;
static int listener, open_end[2];

static void fail(const char *what) {
  dprintf(2, "%s: %s\n", what, strerror(errno));
  _exit(1);
}

static void tell(int token) { dprintf(1, "%d %d\n", (int)syscall(SYS_gettid), token); }

static void make_listener(int family, int type) {
  memset(&place, 0, sizeof place);
  place.any.sa_family = family;
  if (family == AF_INET) {
    place.old.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place_size = sizeof place.old;
  } else {
    static int count;
    place_size = 3 + snprintf(place.path.sun_path + 1, 90, "connecting-%d-%d", getpid(), count++);
  }
  listener = socket(family, type, 0);
  if (bind(listener, &place.any, place_size) < 0 || listen(listener, 64) < 0) fail("listen");
  place_size = sizeof place;
  getsockname(listener, &place.any, &place_size);
}

static int connect_once(int token) {
  int type;
  socklen_t size = sizeof type;
  getsockopt(listener, SOL_SOCKET, SO_TYPE, &type, &size);
  const int fd = socket(place.any.sa_family, type, 0);
  if (connect(fd, &place.any, place_size) < 0) fail("connect");
  tell(token);
  if (send(fd, &token, sizeof token, 0) != sizeof token) fail("send");
  return fd;
}

static int accept_once(int by_name) {
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  const int fd = by_name ? accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC) : accept(listener, 0, 0);
  if (fd < 0) fail("accept");
  int token = -1;
  if (recv(fd, &token, sizeof token, MSG_WAITALL) != sizeof token) fail("recv");
  tell(token);
  return token;
}

static void *work(void *unused) {
  while (accept_once(0) != LAST) continue;
  return unused;
}

/* Its sockets are open until all have done what they do, and what it has done is known by then. */
static void rest(int ready) {
  char byte = 0;
  usleep(1);
  if (write(ready, &byte, 1) != 1) fail("write");
  close(open_end[1]);
  if (read(open_end[0], &byte, 1) != 0) fail("read");
  _exit(0);
}

/* Some processes that accept at one listener, the last of them with several threads; others that connect. */
static void several(int family, int type) {
  int ready[2];
  char byte;
  make_listener(family, type);
  if (pipe(ready) < 0 || pipe(open_end) < 0) fail("pipe");
  for (int i = 0; i < WORKERS; i++) {
    if (fork() != 0) continue;
    pthread_t threads[THREADS];
    const int count = i == WORKERS - 1 ? THREADS - 1 : 0;
    for (int j = 0; j < count; j++) pthread_create(&threads[j], 0, work, 0);
    work(0);
    for (int j = 0; j < count; j++) pthread_join(threads[j], 0);
    rest(ready[1]);
  }
  for (int i = 0; i < CLIENTS; i++) {
    if (fork() != 0) continue;
    for (int j = 1; j <= EACH; j++) connect_once(100 * (i + 1) + j);
    rest(ready[1]);
  }
  for (int i = 0; i < CLIENTS; i++)
    if (read(ready[0], &byte, 1) != 1) fail("read");
  for (int i = 0; i < WORKERS + THREADS - 1; i++) connect_once(LAST);
  for (int i = 0; i < WORKERS; i++)
    if (read(ready[0], &byte, 1) != 1) fail("read");
  usleep(1);
  close(open_end[1]);
  while (wait(0) > 0) continue;
}

/* Connections that have ended at one end when they are accepted. */
static void closed_early(int family, int type) {
  make_listener(family, type);
  for (int i = 1; i <= EACH; i++) close(connect_once(i));
  for (int i = 1; i <= EACH; i++)
    if (accept_once(1) != i) fail("another one");
}

/* Without waiting: asked twice, refused, with another one in between. */
static void under_way(void) {
  make_listener(AF_INET, SOCK_STREAM);
  int fds[EACH];
  for (int i = 0; i < EACH; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connect(fds[i], &place.any, place_size) == 0 || errno == EINPROGRESS) tell(i + 1);
    struct pollfd polled = {fds[i], POLLOUT, 0};
    if (poll(&polled, 1, -1) != 1) fail("poll");
    if (connect(fds[i], &place.any, place_size) == 0) tell(i + 1);
    const int token = i + 1;
    if (send(fds[i], &token, sizeof token, 0) != sizeof token) fail("send");
  }
  const int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int closed = socket(AF_INET, SOCK_STREAM, 0);
  socklen_t size = sizeof nobody;
  if (bind(closed, (struct sockaddr *)&nobody, size) < 0) fail("bind");
  getsockname(closed, (struct sockaddr *)&nobody, &size);
  if (connect(refused, (struct sockaddr *)&nobody, sizeof nobody) == 0 || errno == EINPROGRESS) tell(EACH + 1);
  struct pollfd polled = {refused, POLLOUT, 0};
  if (poll(&polled, 1, -1) != 1) fail("poll");
  for (int i = 0; i < EACH; i++)
    if (accept_once(i % 2) != i + 1) fail("another one");
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  switch (argv[1][0]) {
    case 'a': several(AF_UNIX, SOCK_STREAM); break;
    case 'b': several(AF_UNIX, SOCK_SEQPACKET); break;
    case 'c': several(AF_INET, SOCK_STREAM); break;
    case 'd': closed_early(AF_UNIX, SOCK_STREAM); break;
    case 'e': closed_early(AF_INET, SOCK_STREAM); break;
    default: under_way();
  }
  return 0;
}
