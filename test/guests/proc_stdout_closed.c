/* Writing with descriptor 1 closed, reused by another file, and put back. */
#include "guest_tasks.h"

static void closed(void) {
  close(1);
  errno = 0;
  int printed = printf("lost %d\n", getpid());
  int flushed = fflush(stdout);
  CHECK(printed < 0 || flushed == EOF);
  CHECK(errno == EBADF);
  exit(0);
}

static void reused(const char *path) {
  close(1);
  CHECK(open(path, O_CREAT | O_RDWR | O_TRUNC, 0600) == 1);
  printf("into the file %d\n", getpid());
  exit(0);
}

static void all_closed(const char *path) {
  for (int fd = 0; fd < 3; fd++)
    close(fd);
  pid_t pid = fork();
  if (pid == 0)
    _exit(open(path, O_RDONLY) == 0 ? 8 : 9);
  int status;
  if (waitpid(pid, &status, 0) != pid)
    _exit(2);
  _exit(WEXITSTATUS(status));
}

int main(void) {
  char path[PATH_MAX + 16], text[64];
  snprintf(path, sizeof(path), "%s/output", tmpdir());
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0)
    closed();
  wait_exit(pid, 0);

  pid = CHECK_SYS(fork());
  if (pid == 0)
    reused(path);
  wait_exit(pid, 0);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  int written;
  CHECK(fscanf(file, "into the file %d", &written) == 1 && written == pid);
  fclose(file);

  pid = CHECK_SYS(fork());
  if (pid == 0)
    all_closed(path);
  wait_exit(pid, 8);

  /* A pipe takes the number, and stdout comes back. */
  int saved = CHECK_SYS(dup(1)), fds[2];
  printf("before %d\n", getpid());
  close(1);
  CHECK_SYS(pipe(fds));
  int end = fds[0] == 1 ? 0 : 1;
  printf("pipe end %d is descriptor 1\n", end);
  CHECK(fds[end] == 1 || fcntl(1, F_GETFD) >= 0);
  CHECK_SYS(dup2(fds[1], 1));
  if (end == 1) {
    printf("through the pipe\n");
    CHECK(read(fds[0], text, sizeof(text)) > 0);
  }
  CHECK_SYS(dup2(saved, 1));
  printf("after %d\n", getpid());
  return done();
}
