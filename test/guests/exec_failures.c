/* exec that fails leaves the program as it was, threads and all. */
#include "guest_tasks.h"

#include <sys/stat.h>

static char dir[PATH_MAX];

static const char *make_file(const char *name, const char *contents, size_t size, mode_t mode) {
  static char path[PATH_MAX + 32];
  snprintf(path, sizeof(path), "%s/%s", dir, name);
  int fd = CHECK_SYS(open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700));
  CHECK(write(fd, contents, size) == (ssize_t)size);
  CHECK_SYS(fchmod(fd, mode));
  close(fd);
  return path;
}

static char *no_args[] = {"program", NULL};
static char *environment[] = {NULL};

static void fails(const char *path, int expected) {
  errno = 0;
  int result = execve(path, no_args, environment);
  printf("%s: %s\n", strrchr(path, '/') ? strrchr(path, '/') : path, strerror(errno));
  CHECK(result == -1 && errno == expected);
}

static volatile long ticks;
static volatile int stop;

static void *ticking(void *arg) {
  while (!stop) {
    ticks++;
    sched_yield();
  }
  return arg;
}

int main(void) {
  char path[PATH_MAX + 32];
  pthread_t thread;
  snprintf(dir, sizeof(dir), "%s", tmpdir());
  CHECK_ZERO(pthread_create(&thread, NULL, ticking, NULL));
  fails("/nonexistent/program", ENOENT);
  fails("", ENOENT);
  fails("/", EACCES);
  fails("/dev/null", EACCES);
  fails(make_file("not-executable", "#!/bin/true\n", 12, 0600), EACCES);
  fails(make_file("text", "neither script nor program\n", 27, 0700), ENOEXEC);
  fails(make_file("empty", "", 0, 0700), ENOEXEC);
  fails(make_file("short-elf", "\177ELF\2\1\1\0", 8, 0700), ENOEXEC);
  fails(make_file("no-interpreter", "#!/nonexistent/interpreter\n", 27, 0700), ENOENT);
  fails(make_file("blank-interpreter", "#!   \n", 6, 0700), ENOEXEC);
  snprintf(path, sizeof(path), "%s/text/below-a-file", dir);
  fails(path, ENOTDIR);
  snprintf(path, sizeof(path), "%s/loop", dir);
  CHECK_SYS(symlink("loop", path));
  fails(path, ELOOP);
  static char long_name[PATH_MAX * 2];
  memset(long_name, 'n', sizeof(long_name) - 1);
  fails(long_name, ENAMETOOLONG);

  /* One argument longer than 32 pages. */
  char *huge = malloc(200000);
  CHECK(huge != NULL);
  memset(huge, 'a', 199999);
  huge[199999] = '\0';
  char *args[] = {"program", huge, NULL};
  CHECK_ERRNO(execve("/bin/true", args, environment), E2BIG);
  CHECK_ERRNO(execve("/bin/true", args, args), E2BIG);
  free(huge);
  CHECK(raw_syscall(SYS_execve, 8, (long)no_args, 0, 0, 0, 0) == -EFAULT);
  CHECK(raw_syscall(SYS_execve, (long)"/bin/true", 8, 0, 0, 0, 0) == -EFAULT);
  char *bad_args[] = {"program", (char *)16, NULL};
  CHECK(raw_syscall(SYS_execve, (long)"/bin/true", (long)bad_args, 0, 0, 0, 0) == -EFAULT);

  /* A file open for writing: refused by most kernels. */
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    CHECK_SYS(open(make_file("busy", "#!/bin/true\n", 12, 0700), O_WRONLY));
    execve(make_file("busy", "#!/bin/true\n", 12, 0700), no_args, environment);
    _exit(errno);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  printf("busy file: %s\n", strerror(WEXITSTATUS(status)));
  CHECK(WEXITSTATUS(status) == ETXTBSY || WEXITSTATUS(status) == 0);

  long seen = ticks;
  while (ticks == seen)
    sched_yield();
  stop = 1;
  CHECK_ZERO(pthread_join(thread, NULL));
  printf("%ld ticks\n", ticks);
  return done();
}
