/*
 * Descriptors in messages: numbered by the kernel, more than fit, never received, sent to another process, stdout
 * too.
 */
#include "guest.h"

#include <sys/socket.h>
#include <sys/stat.h>

union control {
  char bytes[CMSG_SPACE(8 * sizeof(int))];
  struct cmsghdr align;
};

static void send_fds(int socket, const int *fds, size_t count) {
  union control control = {0};
  struct msghdr message = {.msg_iov = &(struct iovec){(char *)"fd", 2}, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  memcpy(CMSG_DATA(head), fds, count * sizeof(int));
  CHECK(sendmsg(socket, &message, 0) == 2);
}

static size_t receive_fds(int socket, int *fds, size_t room, int flags) {
  union control control;
  memset(&control, 0xee, sizeof(control));
  char text[2];
  struct msghdr message = {.msg_iov = &(struct iovec){text, 2}, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = room};
  CHECK(recvmsg(socket, &message, flags) == 2);
  MIX(control);
  printf("control %zu flags %#x\n", message.msg_controllen, message.msg_flags);
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  if (head == NULL)
    return 0;
  CHECK(head->cmsg_type == SCM_RIGHTS);
  size_t size = head->cmsg_len - CMSG_LEN(0);
  memcpy(fds, CMSG_DATA(head), size);
  return size / sizeof(int);
}

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int pair[2], got[8];
  CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  int file = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(write(file, "passed", 6) == 6);

  int three[] = {file, STDOUT_FILENO, pair[0]};
  send_fds(pair[0], three, 3);
  CHECK(receive_fds(pair[1], got, sizeof(union control), MSG_CMSG_CLOEXEC) == 3);
  struct stat a, b;
  CHECK_SYS(fstat(file, &a));
  CHECK_SYS(fstat(got[0], &b));
  CHECK(got[0] != file && a.st_ino == b.st_ino && fcntl(got[0], F_GETFD) == FD_CLOEXEC);
  CHECK(lseek(got[0], 0, SEEK_CUR) == 6);
  printf("numbers %d %d %d\n", got[0], got[1], got[2]);

  /* Room for one: the other two are closed by the kernel, and MSG_CTRUNC says so. */
  send_fds(pair[0], three, 3);
  CHECK(receive_fds(pair[1], got, CMSG_LEN(sizeof(int)), 0) == 1);
  /* No room at all. */
  send_fds(pair[0], three, 1);
  CHECK(receive_fds(pair[1], got, 0, 0) == 0);
  CHECK_ERRNO(({
                union control control = {0};
                struct msghdr message = {.msg_iov = &(struct iovec){(char *)"x", 1}, .msg_iovlen = 1,
                                         .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int))};
                struct cmsghdr *head = CMSG_FIRSTHDR(&message);
                *head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
                *(int *)CMSG_DATA(head) = 999;
                sendmsg(pair[0], &message, 0);
              }),
              EBADF);

  /* The child gets stdout, under the number of the one it closed, and a pipe to answer through. */
  int ends[2];
  CHECK_SYS(pipe(ends));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK_SYS(close(STDOUT_FILENO));
    CHECK_SYS(close(ends[1]));
    CHECK(receive_fds(pair[1], got, sizeof(union control), 0) == 2);
    dprintf(got[0], "the child %d writes to fd %d\n", getpid(), got[0]);
    CHECK(write(got[1], &got, sizeof(got)) == sizeof(got));
    _exit(0);
  }
  CHECK_SYS(close(pair[1]));
  send_fds(pair[0], (int[]){STDOUT_FILENO, ends[1]}, 2);
  CHECK(read(ends[0], got, sizeof(got)) == sizeof(got));
  wait_ok(child);
  mix(got, 2 * sizeof(int));
  return done();
}
