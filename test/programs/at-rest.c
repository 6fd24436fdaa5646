/* Has one of everything that a kernel keeps for a process, says so, and rests. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int signo) { (void)signo; }

static void *rest(void *unused) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  write(1, "thread\n", 7);
  for (;;) pause();
  return unused;
}

int main(void) {
  char text[100];
  int both[2];
  mkdir("here", 0700);
  chdir("here");
  umask(027);
  int file = open("data", O_RDWR | O_CREAT, 0600);
  write(file, "0123456789", 10);
  lseek(file, 3, SEEK_SET);
  read(file, text, 4);
  int second = dup(file);
  dup2(file, 50);
  fcntl(second, F_SETFD, FD_CLOEXEC);
  int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  write(log, "line\n", 5);
  lseek(log, 0, SEEK_CUR);
  int gone = open("gone", O_RDWR | O_CREAT, 0600);
  write(gone, text, 8);
  unlink("gone");
  open("/dev/null", O_WRONLY | O_NONBLOCK);
  open(".", O_RDONLY | O_DIRECTORY);
  rename("data", "renamed");
  pipe2(both, O_CLOEXEC);
  write(both[1], "waiting", 7);
  read(both[0], text, 2);
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both);
  int set = epoll_create1(EPOLL_CLOEXEC);
  int event = eventfd(3, EFD_SEMAPHORE);
  write(event, "\5\0\0\0\0\0\0\0", 8);
  read(event, text, 8);
  struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = 77};
  epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted);
  timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  signalfd(-1, &mask, 0);
  memfd_create("memory", MFD_CLOEXEC);
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGWINCH, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit = {11 << 20, 22 << 20};
  setrlimit(RLIMIT_CORE, &limit);
  if (fork() == 0) {
    close(0);
    lseek(file, 2, SEEK_CUR);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    setsid();
    chdir("/");
    write(1, "child\n", 6);
    for (;;) pause();
  }
  pthread_t thread;
  pthread_create(&thread, NULL, rest, NULL);
  // Signals are blocked while a thread is made.
  write(1, "main\n", 5);
  for (;;) pause();
}
