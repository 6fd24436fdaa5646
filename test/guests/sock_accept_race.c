/* Three processes accept on one socket: who gets which connection is chance. One epoll shared by all after fork. */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { WORKERS = 3, CLIENTS = 30 };

static void work(int server, int epoll, int number) {
  for (int served = 0;; served++) {
    struct epoll_event event;
    CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
    int peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (peer == -1) {
      CHECK(errno == EAGAIN);
      served--;
      continue;
    }
    char request;
    CHECK(read(peer, &request, 1) == 1);
    CHECK(dprintf(peer, "%d %d %d", number, getpid(), served) > 0);
    CHECK_SYS(close(peer));
    if (request == 'q')
      _exit(0);
  }
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
  int server = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  CHECK_SYS(bind(server, (struct sockaddr *)&address, sizeof(address)));
  CHECK_SYS(listen(server, 64));
  int epoll = CHECK_SYS(epoll_create1(0));
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, server, &(struct epoll_event){EPOLLIN, {.fd = server}}));
  pid_t children[WORKERS];
  for (int i = 0; i < WORKERS; i++)
    if ((children[i] = CHECK_SYS(fork())) == 0)
      work(server, epoll, i);
  int served[WORKERS] = {0};
  for (int i = 0; i < CLIENTS + WORKERS; i++) {
    int client = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
    CHECK_SYS(connect(client, (struct sockaddr *)&address, sizeof(address)));
    CHECK(write(client, i < CLIENTS ? "r" : "q", 1) == 1);
    char answer[64];
    ssize_t size = CHECK_SYS(read(client, answer, sizeof(answer) - 1));
    answer[size] = '\0';
    MIX(answer[0]);
    int who = atoi(answer);
    CHECK(who >= 0 && who < WORKERS);
    served[who]++;
    CHECK_SYS(close(client));
  }
  for (int i = 0; i < WORKERS; i++) {
    printf("worker %d served %d\n", i, served[i]);
    wait_ok(children[i]);
  }
  return done();
}
