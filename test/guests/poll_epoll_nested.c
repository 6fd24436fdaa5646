/* An epoll inside an epoll inside poll, woken by a child; a cycle is refused. */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>

int main(void) {
  int inner = CHECK_SYS(epoll_create1(0)), outer = CHECK_SYS(epoll_create1(0));
  int go[2], ends[2];
  CHECK_SYS(pipe(go));
  CHECK_SYS(pipe(ends));
  CHECK_SYS(epoll_ctl(inner, EPOLL_CTL_ADD, ends[0], &(struct epoll_event){EPOLLIN, {.u32 = 1}}));
  CHECK_SYS(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &(struct epoll_event){EPOLLIN, {.u32 = 2}}));
  CHECK_ERRNO(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &(struct epoll_event){EPOLLIN, {.u32 = 3}}), ELOOP);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    char c;
    CHECK_SYS(close(go[1]));
    while (read(go[0], &c, 1) == 1)
      CHECK(write(ends[1], &child, sizeof(child)) == sizeof(child));
    _exit(0);
  }
  for (int i = 0; i < 5; i++) {
    CHECK(write(go[1], "!", 1) == 1);
    struct pollfd wait = {.fd = outer, .events = POLLIN};
    CHECK(poll(&wait, 1, -1) == 1);
    struct epoll_event event;
    CHECK(epoll_wait(outer, &event, 1, -1) == 1 && event.data.u32 == 2);
    CHECK(epoll_wait(inner, &event, 1, -1) == 1 && event.data.u32 == 1);
    MIX(event);
    pid_t sent;
    CHECK(read(ends[0], &sent, sizeof(sent)) == sizeof(sent) && sent == 0);
    CHECK(poll(&wait, 1, 0) == 0);
  }
  CHECK_SYS(close(go[1]));
  wait_ok(child);
  printf("epoll %d in %d\n", inner, outer);
  return done();
}
