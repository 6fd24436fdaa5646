/* eventfd as counter and as semaphore, full and empty, and as a wake-up between parent and child. */
#include "guest.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

static uint64_t take(int fd) {
  uint64_t value = 0;
  CHECK(read(fd, &value, sizeof(value)) == sizeof(value));
  MIX(value);
  return value;
}

static void add(int fd, uint64_t value) { CHECK(write(fd, &value, sizeof(value)) == sizeof(value)); }

int main(void) {
  int fd = CHECK_SYS(eventfd(5, EFD_NONBLOCK));
  CHECK(take(fd) == 5);
  CHECK_ERRNO(read(fd, (char[8]){0}, 8), EAGAIN);
  add(fd, 7);
  add(fd, 1ull << 40);
  CHECK(take(fd) == 7 + (1ull << 40));
  CHECK_ERRNO(read(fd, (char[4]){0}, 4), EINVAL);
  CHECK_ERRNO(write(fd, &(uint64_t){~0ull}, 8), EINVAL);
  add(fd, ~0ull - 1);
  CHECK_ERRNO(write(fd, &(uint64_t){1}, 8), EAGAIN);
  struct pollfd wait = {.fd = fd, .events = POLLIN | POLLOUT};
  CHECK(poll(&wait, 1, 0) == 1 && wait.revents == POLLIN);
  CHECK(take(fd) == ~0ull - 1);

  int semaphore = CHECK_SYS(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
  for (int i = 0; i < 3; i++)
    CHECK(take(semaphore) == 1);
  CHECK_ERRNO(read(semaphore, (char[8]){0}, 8), EAGAIN);
  CHECK(fcntl(semaphore, F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(eventfd(0, 0x40000000), EINVAL);

  int ping = CHECK_SYS((int)syscall(SYS_eventfd, 0)), pong = CHECK_SYS(eventfd(0, 0));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    for (uint64_t i = 1; i <= 20; i++) {
      CHECK(take(ping) == i);
      add(pong, i * (uint64_t)getpid());
    }
    _exit(0);
  }
  for (uint64_t i = 1; i <= 20; i++) {
    add(ping, i);
    CHECK(take(pong) == i * (uint64_t)child);
  }
  wait_ok(child);
  printf("eventfd %d and %d\n", fd, semaphore);
  return done();
}
