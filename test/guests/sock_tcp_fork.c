/* TCP between a server that forks for each connection and clients that are children: blocking accept, connect, recv. */
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { CLIENTS = 4 };

static void serve(int peer) {
  char line[128];
  ssize_t size;
  while ((size = CHECK_SYS(recv(peer, line, sizeof(line), 0))) > 0)
    CHECK(send(peer, line, (size_t)size, 0) == size);
  _exit(0);
}

static void ask(const struct sockaddr_in *address) {
  int client = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_SYS(connect(client, (const struct sockaddr *)address, sizeof(*address)));
  CHECK_SYS(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)));
  for (int i = 0; i < 20; i++) {
    char line[64], back[64];
    int size = snprintf(line, sizeof(line), "request %d of process %d", i, getpid());
    CHECK(send(client, line, (size_t)size, 0) == size);
    CHECK(recv(client, back, (size_t)size, MSG_WAITALL) == size && memcmp(line, back, (size_t)size) == 0);
  }
  CHECK_SYS(shutdown(client, SHUT_WR));
  CHECK(recv(client, (char[1]){0}, 1, 0) == 0);
  _exit(0);
}

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, other;
  int server = CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
  CHECK_SYS(bind(server, (struct sockaddr *)&address, sizeof(address)));
  CHECK_SYS(listen(server, CLIENTS));
  socklen_t size = sizeof(address);
  CHECK_SYS(getsockname(server, (struct sockaddr *)&address, &size));

  pid_t children[2 * CLIENTS];
  for (int i = 0; i < CLIENTS; i++)
    if ((children[i] = CHECK_SYS(fork())) == 0)
      ask(&address);
  for (int i = CLIENTS; i < 2 * CLIENTS; i++) {
    size = sizeof(other);
    int peer = CHECK_SYS(accept(server, (struct sockaddr *)&other, &size));
    /* Which client comes first is chance. */
    printf("port %d\n", ntohs(other.sin_port));
    if ((children[i] = CHECK_SYS(fork())) == 0)
      serve(peer);
    CHECK_SYS(close(peer));
  }
  for (int left = 2 * CLIENTS; left > 0; left--) {
    int status;
    pid_t pid = CHECK_SYS(wait(&status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    printf("%d ended\n", pid);
  }
  return done();
}
