/* epoll: level, edge and one-shot; data words that come back; fewer places than events; closed descriptors. */
#include "guest.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

static int control(int epoll, int op, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(epoll, op, fd, &event);
}

static int ready(int epoll, struct epoll_event *events, int max) {
  memset(events, 0xee, sizeof(*events) * (size_t)max);
  int count = CHECK_SYS(epoll_wait(epoll, events, max, 0));
  mix(events, sizeof(*events) * (size_t)max);
  return count;
}

int main(void) {
  int epoll = CHECK_SYS((int)syscall(SYS_epoll_create, 1));
  CHECK_SYS(close(epoll));
  epoll = CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
  CHECK_ERRNO((int)syscall(SYS_epoll_create, 0), EINVAL);
  int a[2], b[2];
  CHECK_SYS(pipe2(a, O_NONBLOCK));
  CHECK_SYS(pipe2(b, O_NONBLOCK));
  struct epoll_event events[8];
  char text[8];

  /* Pointers of the program as data. */
  CHECK_SYS(control(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN, (uint64_t)(uintptr_t)&a));
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, a[0], EPOLLIN, 1), EEXIST);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_MOD, b[0], EPOLLIN, 1), ENOENT);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN, 1), EINVAL);
  CHECK(ready(epoll, events, 8) == 0);
  CHECK(write(a[1], "xy", 2) == 2);
  CHECK(ready(epoll, events, 8) == 1 && events[0].data.ptr == &a && events[0].events == EPOLLIN);
  CHECK(ready(epoll, events, 8) == 1);
  CHECK(read(a[0], text, 8) == 2 && ready(epoll, events, 8) == 0);

  CHECK_SYS(control(epoll, EPOLL_CTL_MOD, a[0], EPOLLIN | EPOLLET, 0x123456789abcdef0));
  CHECK(write(a[1], "1", 1) == 1);
  CHECK(ready(epoll, events, 8) == 1 && events[0].data.u64 == 0x123456789abcdef0);
  CHECK(ready(epoll, events, 8) == 0);
  CHECK(write(a[1], "2", 1) == 1 && ready(epoll, events, 8) == 1);

  CHECK_SYS(control(epoll, EPOLL_CTL_ADD, b[0], EPOLLIN | EPOLLONESHOT, 2));
  CHECK(write(b[1], "1", 1) == 1);
  CHECK(ready(epoll, events, 8) == 1 && events[0].data.u64 == 2);
  CHECK(write(b[1], "2", 1) == 1 && ready(epoll, events, 8) == 0);
  CHECK_SYS(control(epoll, EPOLL_CTL_MOD, b[0], EPOLLIN | EPOLLRDHUP, 3));
  CHECK_SYS(control(epoll, EPOLL_CTL_MOD, a[0], EPOLLIN, 4));
  CHECK_SYS(control(epoll, EPOLL_CTL_ADD, b[1], EPOLLOUT, 5));
  CHECK(ready(epoll, events, 8) == 3);

  /* One place, three events: the kernel takes turns. */
  for (int i = 0; i < 7; i++) {
    CHECK(ready(epoll, events, 1) == 1);
    printf("%llu ", (unsigned long long)events[0].data.u64);
  }
  printf("\n");

  CHECK_SYS(close(a[1]));
  CHECK(ready(epoll, events, 8) == 3);
  for (int i = 0; i < 3; i++)
    if (events[i].data.u64 == 4)
      CHECK(events[i].events == (EPOLLIN | EPOLLHUP));
  CHECK_SYS(close(a[0]));
  CHECK(ready(epoll, events, 8) == 2);
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_DEL, b[1], NULL));
  CHECK(ready(epoll, events, 8) == 1);
  CHECK_ERRNO(epoll_wait(epoll, events, 0, 0), EINVAL);
  CHECK_ERRNO(epoll_wait(b[0], events, 1, 0), EINVAL);
  int file = CHECK_SYS(open("/etc/passwd", O_RDONLY));
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, file, EPOLLIN, 1), EPERM);
  return done();
}
