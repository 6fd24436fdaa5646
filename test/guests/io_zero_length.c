/* Nothing to read, write or map: some calls succeed whatever the pointer is, some check it first. */
#include "guest.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  char *const bad = (char *)16;
  CHECK(read(fd, bad, 0) == 0 && write(fd, bad, 0) == 0);
  CHECK(pread(fd, bad, 0, 0) == 0 && pwrite(fd, bad, 0, 100) == 0);
  CHECK(lseek(fd, 0, SEEK_END) == 0);
  CHECK(readv(fd, (struct iovec[]){{bad, 0}, {bad, 0}}, 2) == 0);
  CHECK(writev(fd, (struct iovec *)bad, 0) == 0);
  CHECK_ERRNO(read(999, bad, 0), EBADF);
  CHECK(read(STDIN_FILENO, bad, 0) == 0);
  CHECK(write(STDOUT_FILENO, bad, 0) == 0);

  int ends[2], pair[2];
  CHECK_SYS(pipe(ends));
  CHECK(write(ends[1], bad, 0) == 0);
  /* An empty pipe: a read of nothing doesn't wait. */
  CHECK(read(ends[0], bad, 0) == 0);
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  CHECK(send(pair[0], bad, 0, 0) == 0);
  ssize_t size = recv(pair[1], bad, 0, 0);
  printf("recv of nothing: %zd errno %d\n", size, size == -1 ? errno : 0);
  CHECK_SYS(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
  CHECK(send(pair[0], bad, 0, 0) == 0 && send(pair[0], "x", 1, 0) == 1);
  char byte = '.';
  CHECK(recv(pair[1], &byte, 1, 0) == 0 && byte == '.' && recv(pair[1], &byte, 1, 0) == 1 && byte == 'x');
  struct msghdr none = {0};
  CHECK(sendmsg(pair[0], &none, 0) == 0 && recvmsg(pair[1], &none, 0) == 0);

  CHECK(sendfile(fd, fd, &(off_t){0}, 0) == 0);
  CHECK(poll((struct pollfd *)bad, 0, 0) == 0);
  CHECK(getrandom(&byte, 0, 0) == 0);
  CHECK_SYS(copy_file_range(fd, NULL, fd, NULL, 0, 0));
  printf("descriptor %d\n", fd);
  return done();
}
