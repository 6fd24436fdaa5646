/*
 * Record locks of processes: F_GETLK names the owner's pid, F_SETLKW waits, a close of any descriptor drops them all.
 */
#include "guest.h"

static int lock(int fd, int command, short type, off_t start, off_t length, struct flock *answer) {
  struct flock request = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  int result = fcntl(fd, command, &request);
  if (answer != NULL)
    *answer = request;
  return result;
}

static void send_byte(int fd) { CHECK(write(fd, "!", 1) == 1); }
static void wait_byte(int fd) { CHECK(read(fd, (char[1]){0}, 1) == 1); }

int main(void) {
  CHECK_SYS(chdir(tmpdir()));
  int fd = CHECK_SYS(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
  int to_child[2], to_parent[2];
  CHECK_SYS(pipe(to_child));
  CHECK_SYS(pipe(to_parent));
  pid_t parent = getpid();

  CHECK_SYS(lock(fd, F_SETLK, F_WRLCK, 100, 50, NULL));
  CHECK_SYS(lock(fd, F_SETLK, F_RDLCK, 300, 0, NULL));

  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    struct flock answer;
    CHECK_SYS(lock(fd, F_GETLK, F_RDLCK, 0, 0, &answer));
    CHECK(answer.l_type == F_WRLCK && answer.l_pid == parent && answer.l_start == 100 && answer.l_len == 50);
    printf("bytes 100 to 149 belong to %d\n", answer.l_pid);
    CHECK_SYS(lock(fd, F_GETLK, F_WRLCK, 400, 1, &answer));
    CHECK(answer.l_type == F_RDLCK && answer.l_start == 300 && answer.l_len == 0);
    CHECK_SYS(lock(fd, F_GETLK, F_WRLCK, 0, 100, &answer));
    CHECK(answer.l_type == F_UNLCK);
    int error = lock(fd, F_SETLK, F_WRLCK, 120, 1, NULL) == -1 ? errno : 0;
    CHECK(error == EAGAIN || error == EACCES);
    CHECK_SYS(lock(fd, F_SETLK, F_RDLCK, 310, 1, NULL));
    send_byte(to_parent[1]);
    CHECK_SYS(lock(fd, F_SETLKW, F_WRLCK, 100, 1, NULL));
    send_byte(to_parent[1]);
    /* Held until the parent saw it; then the exit drops the lock. */
    wait_byte(to_child[0]);
    _exit(0);
  }
  wait_byte(to_parent[0]);
  /* A hole in the middle: the lock falls into two. */
  CHECK_SYS(lock(fd, F_SETLK, F_UNLCK, 100, 10, NULL));
  wait_byte(to_parent[0]);
  struct flock answer;
  CHECK_SYS(lock(fd, F_GETLK, F_WRLCK, 0, 200, &answer));
  CHECK(answer.l_pid == child && answer.l_start == 100 && answer.l_len == 1);
  MIX(answer);
  send_byte(to_child[1]);
  wait_ok(child);
  CHECK_SYS(lock(fd, F_GETLK, F_WRLCK, 0, 200, &answer));
  CHECK(answer.l_type == F_UNLCK);

  CHECK_SYS(close(CHECK_SYS(open("f", O_RDONLY))));
  child = CHECK_SYS(fork());
  if (child == 0) {
    CHECK_SYS(lock(fd, F_SETLK, F_WRLCK, 0, 0, NULL));
    _exit(0);
  }
  wait_ok(child);
  CHECK_ERRNO(lock(fd, F_SETLK, 77, 0, 0, NULL), EINVAL);
  return done();
}
