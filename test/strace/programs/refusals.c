/* Calls with descriptors that are not open and ids that nobody has: they fail at once, with all their arguments
 * printed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define BAD 977

int main(void) {
  char buffer[64] = "some bytes";
  struct iovec vector[] = {{"one", 3}, {"two", 3}};
  struct timespec times[2] = {{1, 2}, {3, UTIME_OMIT}};
  struct timeval old[2] = {{1, 2}, {3, 4}};
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 7};
  struct itimerspec timer = {{1, 0}, {2, 5}};
  struct stat status;
  struct statfs fs;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  long offset = 5, other = 6;

  read(BAD, buffer, 10);
  write(BAD, buffer, 10);
  pread(BAD, buffer, 10, 3);
  pwrite(BAD, buffer, 10, 3);
  readv(BAD, vector, 2);
  writev(BAD, vector, 2);
  preadv(BAD, vector, 2, 9);
  pwritev(BAD, vector, 2, 9);
  lseek(BAD, -5, SEEK_END);
  fstat(BAD, &status);
  fstatfs(BAD, &fs);
  close(BAD);
  dup(BAD);
  dup2(BAD, 5);
  dup3(BAD, 5, O_CLOEXEC);
  fsync(BAD);
  fdatasync(BAD);
  syncfs(BAD);
  fchmod(BAD, 0640);
  fchown(BAD, 1, -1);
  fchdir(BAD);
  flock(BAD, LOCK_EX | LOCK_NB);
  ftruncate(BAD, 12);
  fallocate(BAD, FALLOC_FL_KEEP_SIZE, 1, 2);
  posix_fadvise(BAD, 0, 10, POSIX_FADV_RANDOM);
  readahead(BAD, 1, 2);
  sync_file_range(BAD, 1, 2, SYNC_FILE_RANGE_WRITE);
  sendfile(BAD, BAD + 1, &offset, 10);
  splice(BAD, NULL, BAD + 1, NULL, 10, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  tee(BAD, BAD + 1, 10, SPLICE_F_MORE);
  vmsplice(BAD, vector, 1, 0);
  copy_file_range(BAD, &offset, BAD + 1, &other, 10, 0);
  futimens(BAD, times);
  syscall(SYS_utimensat, BAD, "name", times, AT_SYMLINK_NOFOLLOW);
  syscall(SYS_futimesat, BAD, "name", old);
  openat(BAD, "name", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  mkdirat(BAD, "name", 0755);
  mknodat(BAD, "name", S_IFIFO | 0600, 0);
  unlinkat(BAD, "name", AT_REMOVEDIR);
  renameat(BAD, "old", BAD + 1, "new");
  renameat2(BAD, "old", BAD + 1, "new", RENAME_NOREPLACE);
  linkat(BAD, "old", BAD + 1, "new", AT_SYMLINK_FOLLOW);
  symlinkat("target", BAD, "name");
  readlinkat(BAD, "name", buffer, 64);
  fchmodat(BAD, "name", 0600, 0);
  fchownat(BAD, "name", 1, 2, AT_SYMLINK_NOFOLLOW);
  faccessat(BAD, "name", R_OK | W_OK, 0);
  fstatat(BAD, "name", &status, AT_SYMLINK_NOFOLLOW);
  syscall(SYS_getdents64, BAD, buffer, 64);
  syscall(SYS_getdents, BAD, buffer, 64);
  epoll_ctl(BAD, EPOLL_CTL_ADD, 3, &event);
  epoll_wait(BAD, &event, 1, 0);
  epoll_pwait(BAD, &event, 1, 0, &mask);
  syscall(SYS_timerfd_settime, BAD, 1, &timer, NULL);
  syscall(SYS_timerfd_gettime, BAD, &timer);
  inotify_add_watch(BAD, "name", IN_CREATE | IN_DELETE);
  inotify_rm_watch(BAD, 1);
  syscall(SYS_signalfd4, BAD, &mask, 8, 0);
  fcntl(BAD, F_GETFD);
  fcntl(BAD, F_SETFL, O_NONBLOCK | O_APPEND);
  fcntl(BAD, F_DUPFD_CLOEXEC, 10);
  syscall(SYS_finit_module, BAD, "parameters", 1);
  syscall(SYS_setns, BAD, CLONE_NEWNET);
  syscall(SYS_pidfd_send_signal, BAD, SIGTERM, NULL, 0);
  syscall(SYS_pidfd_getfd, BAD, 3, 0);
  syscall(SYS_process_madvise, BAD, vector, 1, MADV_COLD, 0);
  syscall(SYS_fsetxattr, BAD, "user.name", "value", 5, 1);
  syscall(SYS_fgetxattr, BAD, "user.name", buffer, 64);
  syscall(SYS_flistxattr, BAD, buffer, 64);
  syscall(SYS_fremovexattr, BAD, "user.name");
  syscall(SYS_close_range, 5, 3, 0);

  stat("/none", &status);
  lstat("/none", &status);
  access("/none", X_OK);
  open("/none", O_WRONLY | O_APPEND);
  creat("/none/name", 0644);
  chdir("/none");
  chroot("/none");
  mkdir("/none/name", 0700);
  rmdir("/none");
  unlink("/none");
  rename("/none", "/other");
  link("/none", "/other");
  symlink("target", "/none/name");
  readlink("/none", buffer, 64);
  chmod("/none", 0600);
  chown("/none", 0, 0);
  lchown("/none", 0, 0);
  truncate("/none", 5);
  utimes("/none", old);
  syscall(SYS_utime, "/none", NULL);
  statfs("/none", &fs);
  mknod("/none/name", S_IFCHR | 0600, 0x103);
  getxattr("/none", "user.name", buffer, 64);
  setxattr("/none", "user.name", "value", 5, 2);
  listxattr("/none", buffer, 64);
  removexattr("/none", "user.name");
  lgetxattr("/none", "user.name", buffer, 64);
  lsetxattr("/none", "user.name", "value", 5, 0);
  llistxattr("/none", buffer, 64);
  lremovexattr("/none", "user.name");
  umount2("/none", MNT_DETACH | UMOUNT_NOFOLLOW);
  swapoff("/none");
  acct("/none");
  syscall(SYS_uselib, "/none");
  syscall(SYS_name_to_handle_at, AT_FDCWD, "/none", buffer, &offset, 0);

  kill(1 << 29, SIGTERM);
  syscall(SYS_tkill, 1 << 29, SIGUSR2);
  syscall(SYS_tgkill, 1 << 29, 1 << 29, 0);
  getpgid(1 << 29);
  getsid(1 << 29);
  setpgid(1 << 29, 1 << 29);
  getpriority(1, 1 << 29);
  setpriority(0, 1 << 29, 5);
  sched_getscheduler(1 << 29);
  syscall(SYS_sched_getparam, 1 << 29, buffer);
  syscall(SYS_sched_rr_get_interval, 1 << 29, times);
  syscall(SYS_migrate_pages, 1 << 29, 0, NULL, NULL);
  syscall(SYS_process_vm_readv, 1 << 29, vector, 1, vector, 2, 0);
  syscall(SYS_process_vm_writev, 1 << 29, vector, 1, vector, 2, 0);
  syscall(SYS_kcmp, 1 << 29, 1 << 29, 0, 1, 2);
  syscall(SYS_prlimit64, 1 << 29, 7, NULL, buffer);
  syscall(SYS_get_robust_list, 1 << 29, buffer, &offset);
  syscall(SYS_ioprio_get, 1, 1 << 29);
  wait4(1 << 29, NULL, WNOHANG, NULL);
  syscall(SYS_pidfd_open, 1 << 29, 0);
  syscall(SYS_timer_settime, 77, 1, &timer, NULL);
  syscall(SYS_timer_gettime, 77, &timer);
  syscall(SYS_timer_getoverrun, 77);
  syscall(SYS_timer_delete, 77);

  munmap((void *)0x10001, 4096);
  mprotect((void *)0x10000, 4096, PROT_READ | PROT_EXEC);
  msync((void *)0x10001, 4096, MS_SYNC | MS_INVALIDATE);
  mlock((void *)0x10000, 4096);
  munlock((void *)0x10000, 4096);
  mincore((void *)0x10001, 4096, (void *)buffer);
  madvise((void *)0x10001, 4096, MADV_DONTNEED);
  syscall(SYS_pkey_free, 15);
  syscall(SYS_remap_file_pages, 0x10000, 4096, 0, 0, 0);
  syscall(SYS_shmdt, 0x10001);
  return 0;
}
