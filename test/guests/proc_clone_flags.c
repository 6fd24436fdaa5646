/* clone with CLONE_FILES and CLONE_FS: processes with memory of their own, but one descriptor table, one cwd and umask.
 */
#include "guest_tasks.h"

#include <sys/stat.h>

static pid_t clone_fork(unsigned long flags) {
  return CHECK_SYS(raw_syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0, 0));
}

static void files(unsigned long flags) {
  int kept = CHECK_SYS(open("/dev/null", O_RDONLY));
  int closed = CHECK_SYS(open("/dev/null", O_RDONLY));
  int answer[2];
  CHECK_SYS(pipe(answer));
  pid_t pid = clone_fork(flags);
  if (pid == 0) {
    int fd = CHECK_SYS(open("/proc/self/stat", O_RDONLY));
    CHECK_SYS(close(closed));
    char text[16];
    CHECK(read(fd, text, 4) == 4);
    CHECK(write(answer[1], &fd, sizeof(fd)) == sizeof(fd));
    _exit(0);
  }
  int fd;
  CHECK(read(answer[0], &fd, sizeof(fd)) == sizeof(fd));
  wait_exit(pid, 0);
  if (flags & CLONE_FILES) {
    char text[64] = "";
    CHECK_ERRNO(close(closed), EBADF);
    /* The parent reads on where its child stopped. */
    CHECK(read(fd, text, sizeof(text) - 1) > 0);
    printf("shared descriptor %d: ...%.8s\n", fd, text);
    CHECK_SYS(close(fd));
  } else {
    CHECK_SYS(close(closed));
    CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
  }
  close(kept);
  close(answer[0]);
  close(answer[1]);
}

static void file_system(unsigned long flags) {
  char before[PATH_MAX], after[PATH_MAX];
  CHECK(getcwd(before, sizeof(before)) != NULL);
  mode_t old_mask = umask(022);
  pid_t pid = clone_fork(flags);
  if (pid == 0) {
    CHECK_SYS(chdir(tmpdir()));
    umask(077);
    _exit(0);
  }
  wait_exit(pid, 0);
  CHECK(getcwd(after, sizeof(after)) != NULL);
  mode_t mask = umask(old_mask);
  CHECK((strcmp(after, tmpdir()) == 0) == ((flags & CLONE_FS) != 0));
  CHECK(mask == (flags & CLONE_FS ? 077 : 022));
  CHECK_SYS(chdir(before));
}

/* Several tasks open files in one table at the same time. */
static void race(void) {
  pid_t pids[4];
  int answer[2];
  CHECK_SYS(pipe(answer));
  for (int i = 0; i < 4; i++) {
    pids[i] = clone_fork(CLONE_FILES);
    if (pids[i] == 0) {
      int got[16];
      for (int j = 0; j < 16; j++) {
        got[j] = CHECK_SYS(dup(0));
        sched_yield();
      }
      CHECK(write(answer[1], got, sizeof(got)) == sizeof(got));
      _exit(0);
    }
  }
  char seen[256] = {0};
  for (int i = 0; i < 4; i++) {
    int got[16];
    CHECK(read(answer[0], got, sizeof(got)) == sizeof(got));
    for (int j = 0; j < 16; j++) {
      CHECK(got[j] < 256 && !seen[got[j]]);
      seen[got[j]] = 1;
    }
    MIX(got);
    printf("table slice %d..%d\n", got[0], got[15]);
  }
  for (int i = 0; i < 4; i++)
    wait_exit(pids[i], 0);
  for (int fd = 0; fd < 256; fd++)
    CHECK(!seen[fd] || close(fd) == 0);
}

int main(void) {
  if (fcntl(0, F_GETFD) < 0)
    CHECK(open("/dev/null", O_RDONLY) == 0);
  tmpdir();
  files(0);
  files(CLONE_FILES);
  files(CLONE_FILES | CLONE_FS);
  file_system(0);
  file_system(CLONE_FS);
  race();
  CHECK(raw_syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0, 0) == -EINVAL);
  CHECK(raw_syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0, 0) == -EINVAL);
  return done();
}
