/* One thread ends the process while others sleep in all kinds of calls, spin, or create more of themselves. */
#include "guest_tasks.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>

enum { BLOCKERS = 12 };

static struct gate ready, never;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *blocks(void *arg) {
  char bytes[70000] = {0};
  struct epoll_event event;
  sigset_t set = signal_set(SIGUSR1);
  fd_set fds;
  gate_open(ready);
  switch ((long)arg) {
  case 0:
    (void)!read(never.ends[0], bytes, 1);
    break;
  case 1:
    pthread_mutex_lock(&held);
    break;
  case 2:
    nap_us(60 * 1000000L);
    break;
  case 3:
    poll(NULL, 0, -1);
    break;
  case 4:
    epoll_wait(epoll_create1(0), &event, 1, -1);
    break;
  case 5:
    sigwait(&set, &(int){0});
    break;
  case 6:
    pause();
    break;
  case 7:
    FD_ZERO(&fds);
    FD_SET(never.ends[0], &fds);
    select(never.ends[0] + 1, &fds, NULL, NULL, NULL);
    break;
  case 8: {
    int sockets[2];
    CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
    recv(sockets[0], bytes, 1, 0);
    break;
  }
  case 9: {
    int fds_of_pipe[2];
    CHECK_SYS(pipe(fds_of_pipe));
    (void)!write(fds_of_pipe[1], bytes, sizeof(bytes));
    break;
  }
  case 10: {
    pid_t own = getpid(), pid = fork();
    if (pid == 0) {
      die_with_parent(own);
      for (;;)
        pause();
    }
    waitpid(pid, NULL, 0);
    break;
  }
  case 11:
    for (;;)
      sched_yield();
  }
  /* Only when interrupted, which nobody does. */
  _exit(99);
  return NULL;
}

static void start_blockers(void) {
  pthread_t thread;
  ready = gate_make();
  never = gate_make();
  pthread_mutex_lock(&held);
  for (long i = 0; i < BLOCKERS; i++)
    CHECK_ZERO(pthread_create(&thread, NULL, blocks, (void *)i));
  for (int i = 0; i < BLOCKERS; i++)
    gate_wait(ready);
  nap_us(2000);
}

static void *leaves(void *arg) {
  int code = (int)(long)arg;
  if (code == 24)
    exit(code);
  if (code == 25)
    raise(SIGTERM);
  _exit(code);
}

/* Each creates its successor and ends. */
static void *creates(void *arg) {
  pthread_t thread;
  sched_yield();
  CHECK_ZERO(pthread_create(&thread, NULL, creates, arg));
  CHECK_ZERO(pthread_detach(thread));
  return NULL;
}

static int run(long code, int by_other, void (*start)(void)) {
  pid_t pid = CHECK_SYS(fork());
  if (pid == 0) {
    no_core();
    start();
    if (by_other) {
      pthread_t thread;
      CHECK_ZERO(pthread_create(&thread, NULL, leaves, (void *)code));
      pthread_mutex_lock(&held);
      pthread_cond_wait(&cond, &held);
    }
    leaves((void *)code);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("%d %s\n", pid, status_text(status));
  return status;
}

static void start_creators(void) {
  pthread_t thread;
  for (int i = 0; i < 3; i++)
    CHECK_ZERO(pthread_create(&thread, NULL, creates, NULL));
  nap_us(3000);
}

int main(void) {
  for (int by_other = 0; by_other < 2; by_other++) {
    CHECK(WEXITSTATUS(run(23, by_other, start_blockers)) == 23);
    CHECK(WEXITSTATUS(run(24, by_other, start_blockers)) == 24);
    int status = run(25, by_other, start_blockers);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  }
  for (int i = 0; i < 3; i++)
    CHECK(WEXITSTATUS(run(26, 0, start_creators)) == 26);
  return done();
}
