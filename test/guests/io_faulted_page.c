/*
 * Calls that fail as their buffer may not be written to: it is a page of the program's file, which stays the file's, or a
 * page without access, before others that they would not have reached.
 */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

enum { PAGE = 4096 };
static const char constant[3 * PAGE] __attribute__((aligned(4096))) = {1, 2, 3, [PAGE] = 4, [2 * PAGE] = 5};

int main(void) {
  char *page = (char *)constant + PAGE;
  /* The compiler would warn. */
  __asm__("" : "+r"(page));
  int pipe_fds[2];
  CHECK_SYS(pipe(pipe_fds));
  CHECK(write(pipe_fds[1], "something", 9) == 9);
  CHECK_ERRNO(read(pipe_fds[0], page, 4), EFAULT);
  CHECK_ERRNO(read(pipe_fds[0], page - 2, 4), EFAULT);
  CHECK_ERRNO(readv(pipe_fds[0], &(struct iovec){page, 4}, 1), EFAULT);
  CHECK_ERRNO(fstat(pipe_fds[0], (struct stat *)page), EFAULT);

  int epoll = CHECK_SYS(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN};
  CHECK_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_fds[0], &event));
  CHECK_ERRNO(epoll_wait(epoll, (struct epoll_event *)page, 1, -1), EFAULT);
  CHECK_ERRNO(epoll_wait(epoll, (struct epoll_event *)page, 1000, -1), EFAULT);

  char *pages = CHECK_SYS(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(pages, 'p', 4 * PAGE);
  CHECK_SYS(mprotect(pages + PAGE, PAGE, PROT_NONE));
  CHECK_ERRNO(epoll_wait(epoll, (struct epoll_event *)(pages + PAGE), 1, -1), EFAULT);
  CHECK_ERRNO(epoll_wait(epoll, (struct epoll_event *)(pages + PAGE - 4), 1, -1), EFAULT);
  /* Up to the hole there may be some of it. */
  int fd = CHECK_SYS(open("/proc/self/exe", O_RDONLY));
  ssize_t got = read(fd, pages + PAGE - 100, 200);
  CHECK(got == 100 || (got == -1 && errno == EFAULT));
  mix(pages, PAGE);
  mix(pages + 2 * PAGE, 2 * PAGE);
  mix(constant, sizeof(constant));
  return done();
}
