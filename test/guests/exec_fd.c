/* Programs executed by descriptor: fexecve, execveat relative to a directory, an anonymous file, a script. */
#include "guest_tasks.h"

#include <sys/stat.h>

static int execveat_(int dir, const char *path, const char *role, int flags) {
  char *argv[] = {"self", (char *)role, NULL};
  char *environment[] = {"MARK=set", NULL};
  return syscall(SYS_execveat, dir, path, argv, environment, flags);
}

static int executed(const char *role) {
  char comm[32];
  CHECK_SYS(prctl(PR_GET_NAME, comm));
  printf("%s: %d is %s at %s\n", role, getpid(), comm, self_path());
  CHECK(getenv("MARK") != NULL || strcmp(role, "fexecve") == 0);
  return 33;
}

#define RUN(call, expected)                                                                                            \
  do {                                                                                                                 \
    pid_t pid_ = CHECK_SYS(fork());                                                                                    \
    if (pid_ == 0) {                                                                                                   \
      call;                                                                                                            \
      _exit(errno);                                                                                                    \
    }                                                                                                                  \
    wait_exit(pid_, expected);                                                                                         \
  } while (0)

static int copy_of_self(void) {
  int from = CHECK_SYS(open(self_path(), O_RDONLY | O_CLOEXEC));
  int to = CHECK_SYS(memfd_create("program", MFD_CLOEXEC));
  char bytes[4096];
  ssize_t size;
  while ((size = CHECK_SYS(read(from, bytes, sizeof(bytes)))) > 0)
    CHECK(write(to, bytes, size) == size);
  close(from);
  CHECK_SYS(fchmod(to, 0700));
  return to;
}

int main(int argc, char **argv) {
  if (argc > 1)
    return executed(argv[1]);
  int self = CHECK_SYS(open(self_path(), O_PATH | O_CLOEXEC));
  RUN(execveat_(self, "", "empty path", AT_EMPTY_PATH), 33);
  RUN(execveat_(self, "", "no flag", 0), ENOENT);

  int readable = CHECK_SYS(open(self_path(), O_RDONLY));
  char *args[] = {"self", "fexecve", NULL}, *environment[] = {NULL};
  RUN(fexecve(readable, args, environment), 33);

  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s", self_path());
  char *name = strrchr(path, '/');
  *name++ = '\0';
  int dir = CHECK_SYS(open(path, O_RDONLY | O_DIRECTORY));
  RUN(execveat_(dir, name, "relative", 0), 33);
  RUN(execveat_(dir, "no-such-file", "missing", 0), ENOENT);
  RUN(execveat_(-1, self_path(), "absolute", 0), 33);
  RUN(execveat_(-1, name, "bad directory", 0), EBADF);
  RUN(execveat_(dir, name, "bad flag", 0x40000000), EINVAL);
  RUN(execveat_(dir, "", "a directory", AT_EMPTY_PATH), EACCES);
  CHECK_SYS(fchdir(dir));
  RUN(execveat_(AT_FDCWD, name, "by cwd", AT_SYMLINK_NOFOLLOW), 33);

  /* A program that no path leads to. */
  int anonymous = copy_of_self();
  RUN(execveat_(anonymous, "", "anonymous", AT_EMPTY_PATH), 33);
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", anonymous);
  int reopened = CHECK_SYS(open(link, O_RDONLY | O_CLOEXEC));
  close(anonymous);
  RUN(execveat_(reopened, "", "reopened", AT_EMPTY_PATH), 33);

  /* A script's interpreter is to open it as /dev/fd/N, which close-on-exec takes away. */
  snprintf(path, sizeof(path), "%s/script", tmpdir());
  int script = CHECK_SYS(open(path, O_CREAT | O_WRONLY, 0700));
  CHECK(write(script, "#!/bin/sh\necho $$ reads $0\nexit 34\n", 35) == 35);
  close(script);
  script = CHECK_SYS(open(path, O_RDONLY));
  RUN(execveat_(script, "", "script", AT_EMPTY_PATH), 34);
  CHECK_SYS(fcntl(script, F_SETFD, FD_CLOEXEC));
  RUN(execveat_(script, "", "script", AT_EMPTY_PATH), ENOENT);

  /* Deleted before it runs. */
  char copy[PATH_MAX + 16];
  snprintf(copy, sizeof(copy), "cp %s %s/copy", self_path(), tmpdir());
  CHECK(system(copy) == 0);
  snprintf(copy, sizeof(copy), "%s/copy", tmpdir());
  int deleted = CHECK_SYS(open(copy, O_RDONLY | O_CLOEXEC));
  CHECK_SYS(unlink(copy));
  RUN(execveat_(deleted, "", "deleted", AT_EMPTY_PATH), 33);
  return done();
}
