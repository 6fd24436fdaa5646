/*
 * Holds what nobody sees from outside when it rests: locks, pending signals, timers of timer_create, a stopped child and
 * one that has ended. Checks all of it when a byte has come, and ends with 3.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(int right, const char *what) { dprintf(1, "%s: %s\n", what, right ? "right" : strerror(errno)); }

/* What another process may lock. */
static int may_lock(const char *path, int by_flock, off_t start) {
  pid_t child = fork();
  if (child == 0) {
    int fd = open(path, O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_start = start, .l_len = 1};
    _exit(by_flock ? flock(fd, LOCK_EX | LOCK_NB) == 0 : fcntl(fd, F_SETLK, &lock) == 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

static pid_t start(int status) {
  pid_t child = fork();
  if (child == 0) {
    if (status < 0)
      for (;;) pause();
    _exit(status);
  }
  return child;
}

int main(void) {
  sigset_t held, pending;
  sigemptyset(&held);
  sigaddset(&held, SIGUSR1);
  sigaddset(&held, SIGUSR2);
  sigaddset(&held, SIGCHLD);
  sigaddset(&held, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &held, NULL);
  int whole = open("whole", O_RDWR | O_CREAT, 0600);
  int parts = open("parts", O_RDWR | O_CREAT, 0600);
  flock(whole, LOCK_EX);
  struct flock lock = {.l_type = F_WRLCK, .l_start = 10, .l_len = 20};
  fcntl(parts, F_SETLK, &lock);
  lock.l_type = F_UNLCK;
  lock.l_start = 15;
  lock.l_len = 5;
  fcntl(parts, F_SETLK, &lock);
  timer_t timers[3];
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 5};
  for (int i = 0; i < 3; i++) timer_create(CLOCK_MONOTONIC, &event, &timers[i]);
  timer_delete(timers[0]);
  struct itimerspec spec = {.it_value = {3600, 0}, .it_interval = {7, 0}};
  timer_settime(timers[2], 0, &spec, NULL);
  pid_t ended = start(77);
  siginfo_t info;
  waitid(P_PID, ended, &info, WEXITED | WNOWAIT);
  pid_t stopped = start(-1);
  kill(stopped, SIGSTOP);
  waitpid(stopped, NULL, WUNTRACED);
  int watched = syscall(SYS_pidfd_open, stopped, 0);
  FILE *nameless = tmpfile();
  fprintf(nameless, "first second");
  rewind(nameless);
  setvbuf(nameless, NULL, _IONBF, 0);
  char word[16] = "";
  fread(word, 1, 6, nameless);
  int file = open("gone", O_RDWR | O_CREAT | O_EXCL, 0600);
  int same = open("gone", O_RDONLY);
  write(file, "old ", 4);
  unlink("gone");
  write(file, "contents", 8);
  int memory = memfd_create("memory", 0);
  ftruncate(memory, 4096);
  char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  strcpy(mapped, "stored");
  kill(getpid(), SIGUSR1);
  union sigval value = {.sival_int = 99};
  sigqueue(getpid(), SIGRTMIN, value);
  value.sival_int = 98;
  sigqueue(getpid(), SIGRTMIN, value);

  char go;
  write(1, "rests\n", 6);
  if (read(0, &go, 1) != 1) return 1;

  sigpending(&pending);
  check(sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2), "a pending signal");
  check(sigismember(&pending, SIGCHLD), "the end of a child is pending");
  check(sigwaitinfo(&held, &info) == SIGUSR1 && info.si_pid == getpid(), "its sender");
  check(sigwaitinfo(&held, &info) == SIGCHLD && info.si_pid == ended && info.si_status == 77, "who ended");
  check(sigwaitinfo(&held, &info) == SIGRTMIN && info.si_value.sival_int == 99, "the first of two");
  check(sigwaitinfo(&held, &info) == SIGRTMIN && info.si_value.sival_int == 98, "the second of two");
  check(may_lock("whole", 1, 0) == 0, "flock");
  check(may_lock("parts", 0, 9) == 1 && may_lock("parts", 0, 10) == 0, "a lock's beginning");
  check(may_lock("parts", 0, 15) == 1 && may_lock("parts", 0, 19) == 1, "a lock's hole");
  check(may_lock("parts", 0, 20) == 0 && may_lock("parts", 0, 29) == 0 && may_lock("parts", 0, 30) == 1, "its end");
  check(timer_gettime(timers[2], &spec) == 0 && spec.it_value.tv_sec > 3000 && spec.it_interval.tv_sec == 7, "a timer");
  check(timer_gettime(timers[1], &spec) == 0 && spec.it_value.tv_sec == 0, "a timer that is not set");
  check(timer_gettime(timers[0], &spec) != 0, "a timer that is gone");
  int status = 0;
  check(waitpid(ended, &status, 0) == ended && WEXITSTATUS(status) == 77, "a child that has ended");
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", stopped);
  read(open(path, O_RDONLY), text, sizeof text - 1);
  check(strstr(text, ") T ") != NULL, "a child that is stopped");
  struct pollfd wanted = {.fd = watched, .events = POLLIN};
  check(poll(&wanted, 1, 0) == 0, "a pidfd");
  char content[64] = "";
  check(fread(content, 1, 9, nameless) == 6 && !strcmp(content, "second"), "a temporary file");
  memset(content, 0, sizeof content);
  check(write(file, "!", 1) == 1 && read(same, content, 63) == 13 && !strcmp(content, "old contents!"), "a file that is gone");
  memset(content, 0, sizeof content);
  check(pread(memory, content, 63, 0) == 63 && !strcmp(content, "stored"), "a memfd");
  mapped[0] = 'S';
  check(pread(memory, content, 63, 0) == 63 && !strcmp(content, "Stored"), "its memory");
  kill(stopped, SIGKILL);
  check(poll(&wanted, 1, -1) == 1 && waitpid(stopped, &status, 0) == stopped && WTERMSIG(status) == SIGKILL, "its end by it");
  return 3;
}
