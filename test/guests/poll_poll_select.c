/* poll, ppoll, select and pselect6: the raw calls update their timeouts and sets in place. */
#include "guest.h"

#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

int main(void) {
  int a[2], b[2];
  CHECK_SYS(pipe(a));
  CHECK_SYS(pipe(b));
  CHECK(write(b[1], "x", 1) == 1);

  struct pollfd set[] = {{a[0], POLLIN, 99}, {b[0], POLLIN | POLLOUT, 99}, {-1, POLLIN, 99}, {999, POLLIN, 99},
                         {a[1], POLLOUT, 99}};
  CHECK(poll(set, 5, 10000) == 3);
  CHECK(set[0].revents == 0 && set[1].revents == POLLIN && set[2].revents == 0);
  CHECK(set[3].revents == POLLNVAL && set[4].revents == POLLOUT);
  MIX(set);
  CHECK(poll(set, 1, 5) == 0);
  CHECK(poll(NULL, 0, 1) == 0);

  struct timespec left = {.tv_nsec = 4000000};
  CHECK(syscall(SYS_ppoll, set, 1, &left, NULL, 8) == 0);
  CHECK(left.tv_sec == 0 && left.tv_nsec == 0);
  left.tv_sec = 100;
  CHECK(syscall(SYS_ppoll, set, 5, &left, NULL, 8) == 3);
  printf("ppoll left %lld.%09ld\n", (long long)left.tv_sec, left.tv_nsec);
  CHECK(left.tv_sec < 100 || left.tv_nsec == 0);

  fd_set in, out, except;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_ZERO(&except);
  FD_SET(a[0], &in);
  FD_SET(b[0], &in);
  FD_SET(a[1], &out);
  FD_SET(a[0], &except);
  /* Bits from nfds to the end of that word may change or not: a replay must show the same. */
  FD_SET(700, &in);
  struct timeval timeout = {.tv_sec = 100};
  CHECK(syscall(SYS_select, a[1] > b[0] ? a[1] + 1 : b[0] + 1, &in, &out, &except, &timeout) == 2);
  CHECK(!FD_ISSET(a[0], &in) && FD_ISSET(b[0], &in) && FD_ISSET(a[1], &out) && !FD_ISSET(a[0], &except));
  CHECK(FD_ISSET(700, &in));
  MIX(in);
  MIX(out);
  MIX(except);
  printf("select left %lld.%06lld\n", (long long)timeout.tv_sec, (long long)timeout.tv_usec);

  FD_ZERO(&in);
  FD_SET(a[0], &in);
  timeout = (struct timeval){.tv_usec = 3000};
  CHECK(syscall(SYS_select, a[0] + 1, &in, NULL, NULL, &timeout) == 0 && !FD_ISSET(a[0], &in));
  CHECK(timeout.tv_sec == 0 && timeout.tv_usec == 0);
  CHECK(select(0, NULL, NULL, NULL, &(struct timeval){.tv_usec = 1000}) == 0);

  FD_SET(b[0], &in);
  left = (struct timespec){.tv_sec = 50};
  CHECK(syscall(SYS_pselect6, b[0] + 1, &in, NULL, NULL, &left, NULL) == 1 && FD_ISSET(b[0], &in));
  printf("pselect6 left %lld.%09ld\n", (long long)left.tv_sec, left.tv_nsec);

  FD_SET(60, &in);
  CHECK_ERRNO(select(61, &in, NULL, NULL, NULL), EBADF);
  CHECK_ERRNO(select(-1, NULL, NULL, NULL, NULL), EINVAL);
  CHECK_SYS(close(a[1]));
  set[0].revents = 0;
  CHECK(poll(set, 1, -1) == 1 && set[0].revents == POLLHUP);
  return done();
}
