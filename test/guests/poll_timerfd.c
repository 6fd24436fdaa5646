/* timerfd: expirations counted by the kernel, absolute and relative, remaining time, and a wait in poll. */
#include "guest.h"

#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

int main(void) {
  int fd = CHECK_SYS(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  struct itimerspec every = {.it_interval.tv_nsec = 3000000, .it_value.tv_nsec = 5000000}, old;
  CHECK_SYS(timerfd_settime(fd, 0, &every, NULL));
  uint64_t total = 0, count;
  while (total < 5) {
    CHECK(read(fd, &count, sizeof(count)) == sizeof(count) && count >= 1);
    total += count;
    struct timespec now;
    CHECK_SYS(clock_gettime(CLOCK_MONOTONIC, &now));
    printf("%llu at %lld.%09ld\n", (unsigned long long)count, (long long)now.tv_sec, now.tv_nsec);
  }
  CHECK_SYS(timerfd_gettime(fd, &old));
  CHECK(old.it_interval.tv_nsec == 3000000 && old.it_value.tv_nsec <= 3000000);
  MIX(old);
  struct itimerspec stop = {0};
  CHECK_SYS(timerfd_settime(fd, 0, &stop, &old));
  MIX(old);
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  int ready = CHECK_SYS(poll(&wait, 1, 0));
  CHECK(ready == 0);

  struct itimerspec past = {.it_value.tv_nsec = 1};
  CHECK_SYS(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL));
  CHECK(poll(&wait, 1, -1) == 1);
  CHECK(read(fd, &count, sizeof(count)) == sizeof(count) && count == 1);

  int real = CHECK_SYS(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
  struct itimerspec far = {.it_value.tv_sec = 1000};
  CHECK_SYS(timerfd_settime(real, 0, &far, NULL));
  CHECK_ERRNO(read(real, &count, sizeof(count)), EAGAIN);
  CHECK_ERRNO(read(real, &count, 4), EINVAL);
  CHECK_SYS(timerfd_gettime(real, &old));
  CHECK(old.it_value.tv_sec <= 1000 && old.it_value.tv_sec > 900);
  printf("%lld.%09ld s to go\n", (long long)old.it_value.tv_sec, old.it_value.tv_nsec);
  CHECK_ERRNO(timerfd_create(99, 0), EINVAL);
  CHECK_ERRNO(timerfd_settime(fd, 0, &(struct itimerspec){.it_value.tv_nsec = 1000000000}, NULL), EINVAL);
  CHECK_ERRNO(timerfd_settime(STDIN_FILENO, 0, &far, NULL), EINVAL);
  return done();
}
