/*
 * Arguments that end exactly where the memory ends: paths, structures, vectors. Reading one byte too many would
 * fault.
 */
#include "guest.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

static char *end;

static void *put(const void *bytes, size_t size) { return memcpy(end - size, bytes, size); }
static char *text(const char *string) { return put(string, strlen(string) + 1); }

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  char *pages = CHECK_SYS(mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK_SYS(munmap(pages + 2 * 4096, 4096));
  end = pages + 2 * 4096;

  int fd = CHECK_SYS(open(text("f"), O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK_SYS(mkdir(text("d"), 0700));
  CHECK_SYS(symlink("f", text("s")));
  CHECK_SYS(rename(text("s"), "t"));
  CHECK_SYS(access(text("t"), F_OK));
  CHECK_ERRNO(open(text(""), O_RDONLY), ENOENT);
  /* Without its NUL the path runs into the hole. */
  CHECK_ERRNO(open(put("f", 1), O_RDONLY), EFAULT);
  CHECK_ERRNO(open(end, O_RDONLY), EFAULT);

  /* The longest path, over two pages; and one more. */
  char *longest = end - PATH_MAX;
  memset(longest, '/', PATH_MAX - 1);
  longest[PATH_MAX - 1] = '\0';
  CHECK_SYS(access(longest, F_OK));
  longest[-1] = '/';
  CHECK_ERRNO(access(longest - 1, F_OK), ENAMETOOLONG);

  CHECK(write(fd, put("data", 4), 4) == 4);
  CHECK(pread(fd, end - 4, 4, 0) == 4 && memcmp(end - 4, "data", 4) == 0);
  struct iovec parts[] = {{pages, 10}, {pages + 10, 20}};
  CHECK(writev(fd, put(parts, sizeof(parts)), 2) == 30);
  CHECK_ERRNO(writev(fd, put(parts, sizeof(parts)), 3), EFAULT);
  CHECK_SYS(fstat(fd, (struct stat *)(end - sizeof(struct stat))));
  mix(end - sizeof(struct stat), sizeof(struct stat));

  struct timespec *time = put(&(struct timespec){0, 1000}, sizeof(struct timespec));
  CHECK_SYS(nanosleep(time, time));
  CHECK_SYS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, time));
  MIX(*time);
  struct pollfd *wait = put(&(struct pollfd){.fd = fd, .events = POLLIN}, sizeof(struct pollfd));
  CHECK(poll(wait, 1, -1) == 1);
  CHECK_ERRNO(poll(wait, 2, -1), EFAULT);

  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "k"};
  int server = CHECK_SYS(socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK_SYS(bind(server, put(&name, 3), 3));
  CHECK_SYS(listen(server, 1));
  socklen_t *size = put(&(socklen_t){2}, sizeof(socklen_t));
  CHECK_SYS(getsockname(server, (struct sockaddr *)&name, size));
  CHECK(*size == 4);
  CHECK_ERRNO(getsockname(server, (struct sockaddr *)&name, (socklen_t *)(end - 2)), EFAULT);
  int *ends = (int *)(end - 8);
  CHECK_SYS(pipe(ends));
  printf("pipe %d %d\n", ends[0], ends[1]);
  struct msghdr *message = put(&(struct msghdr){.msg_iov = parts, .msg_iovlen = 1}, sizeof(struct msghdr));
  CHECK_ERRNO(sendmsg(server, message, 0), ENOTCONN);

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    char *const arguments[] = {text("true"), NULL};
    char **list = memcpy(end - 64, arguments, sizeof(arguments));
    execve("/bin/true", list, list + 1);
    _exit(127);
  }
  wait_ok(child);
  int *status = (int *)(end - 4);
  child = CHECK_SYS(fork());
  if (child == 0)
    _exit(5);
  CHECK(waitpid(child, status, 0) == child && WEXITSTATUS(*status) == 5);
  int result = setxattr("f", text("user.page.end"), end - 4, 4, 0);
  printf("attribute: %d\n", result);
  return done();
}
