/*
 * Calls that the C library has given up for newer ones, made by number: other programs and other libraries still use
 * them.
 */
#include "guest.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

int main(void) {
  CHECK_SYS(syscall(SYS_chdir, tmpdir()));
  int fd = (int)CHECK_SYS(syscall(SYS_open, "f", O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(syscall(SYS_write, fd, "legacy", 6) == 6);
  int other = (int)CHECK_SYS(syscall(SYS_creat, "g", 0600));
  CHECK_SYS(syscall(SYS_link, "f", "hard"));
  CHECK_SYS(syscall(SYS_symlink, "f", "soft"));
  CHECK_SYS(syscall(SYS_rename, "hard", "harder"));
  char text[16] = "";
  CHECK(syscall(SYS_readlink, "soft", text, sizeof(text)) == 1 && text[0] == 'f');
  CHECK_SYS(syscall(SYS_mkdir, "d", 0700));
  CHECK_SYS(syscall(SYS_rmdir, "d"));
  CHECK_SYS(syscall(SYS_mknod, "fifo", S_IFIFO | 0600, 0));
  CHECK_SYS(syscall(SYS_chmod, "f", 0640));
  CHECK_SYS(syscall(SYS_chown, "f", -1, -1));
  CHECK_SYS(syscall(SYS_lchown, "soft", -1, -1));
  CHECK_SYS(syscall(SYS_access, "f", R_OK));
  CHECK_SYS(syscall(SYS_unlink, "harder"));
  struct stat st;
  CHECK_SYS(syscall(SYS_stat, "f", &st));
  CHECK((st.st_mode & 07777) == 0640 && st.st_size == 6);
  MIX(st);

  int ends[2] = {-1, -1};
  CHECK_SYS(syscall(SYS_pipe, ends));
  CHECK(syscall(SYS_dup2, ends[1], 70) == 70);
  CHECK(syscall(SYS_write, 70, "x", 1) == 1);
  struct pollfd wait = {.fd = ends[0], .events = POLLIN};
  CHECK(syscall(SYS_poll, &wait, 1, -1) == 1);
  int epoll = (int)CHECK_SYS(syscall(SYS_epoll_create, 8));
  int events = (int)CHECK_SYS(syscall(SYS_eventfd, 3));
  int watch = (int)CHECK_SYS(syscall(SYS_inotify_init));
  int signals = (int)CHECK_SYS(syscall(SYS_signalfd, -1, &(uint64_t){1 << 9}, 8));
  printf("%d %d %d %d %d %d\n", other, ends[0], epoll, events, watch, signals);
  CHECK(syscall(SYS_alarm, 100) == 0);
  long left = syscall(SYS_alarm, 0);
  CHECK(left > 0 && left <= 100);
  printf("alarm had %ld, time %ld\n", left, syscall(SYS_time, NULL));
  printf("process group %ld\n", syscall(SYS_getpgrp));
  long result = syscall(SYS__sysctl, NULL);
  printf("_sysctl %ld errno %d\n", result, errno);
  result = syscall(SYS_uselib, "f");
  printf("uselib %ld errno %d\n", result, errno);

  long child = CHECK_SYS(syscall(SYS_fork));
  if (child == 0)
    syscall(SYS_exit_group, 0);
  int status = -1;
  CHECK(syscall(SYS_wait4, child, &status, 0, NULL) == child && status == 0);
  return done();
}
