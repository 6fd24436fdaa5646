/* Who handles, blocks or ignores SIGSYS and never gets one keeps that through calls, threads, fork and exec: a recorder may
 * use the signal for its own ends. */
#include "guest_tasks.h"

#include <sys/syscall.h>

static volatile sig_atomic_t handled, noted;

static void on_sys(int signal) {
  (void)signal;
  handled++;
}

static void (*disposition(void))(int) {
  struct sigaction action;
  CHECK_SYS(sigaction(SIGSYS, NULL, &action));
  return action.sa_handler;
}

static int blocks(int signal) {
  sigset_t now;
  CHECK_ZERO(pthread_sigmask(SIG_BLOCK, NULL, &now));
  return sigismember(&now, signal);
}

/* Calls from sites of their own, some of them for the first time. */
static void call_around(void) {
  char byte;
  for (int i = 0; i < 12; i++) {
    getppid();
    getuid();
    int fd = CHECK_SYS(open("/dev/zero", O_RDONLY));
    CHECK(read(fd, &byte, 1) == 1);
    CHECK_SYS(close(fd));
  }
}

static void on_usr1(int signal) {
  (void)signal;
  call_around();
  CHECK(blocks(SIGSYS) && disposition() == on_sys);
  noted++;
}

static void *blocked(void *unused) {
  CHECK(blocks(SIGSYS));
  call_around();
  CHECK(blocks(SIGSYS) && disposition() == on_sys);
  return unused;
}

static void *open_to_all(void *unused) {
  CHECK(!blocks(SIGSYS));
  call_around();
  CHECK(!blocks(SIGSYS) && disposition() == on_sys);
  return unused;
}

int main(int argc, char **argv) {
  if (argc > 1) {
    call_around();
    CHECK(disposition() == SIG_IGN);
    return 0;
  }
  struct sigaction action = {.sa_handler = on_sys, .sa_flags = SA_RESTART};
  sigaddset(&action.sa_mask, SIGUSR2);
  CHECK_SYS(sigaction(SIGSYS, &action, NULL));
  call_around();

  sigset_t all, before;
  sigfillset(&all);
  CHECK_ZERO(pthread_sigmask(SIG_SETMASK, &all, &before));
  pthread_t threads[2];
  CHECK_ZERO(pthread_create(&threads[0], NULL, blocked, NULL));
  call_around();
  CHECK_ZERO(pthread_sigmask(SIG_SETMASK, &before, NULL));
  CHECK_ZERO(pthread_create(&threads[1], NULL, open_to_all, NULL));
  for (int i = 0; i < 2; i++)
    CHECK_ZERO(pthread_join(threads[i], NULL));

  struct sigaction other = {.sa_handler = on_usr1};
  sigfillset(&other.sa_mask);
  CHECK_SYS(sigaction(SIGUSR1, &other, NULL));
  for (int i = 0; i < 3; i++)
    CHECK_SYS(raise(SIGUSR1));
  CHECK(noted == 3 && !blocks(SIGSYS));

  CHECK_SYS(sigaction(SIGSYS, NULL, &action));
  CHECK(action.sa_handler == on_sys && (action.sa_flags & SA_RESTART) && sigismember(&action.sa_mask, SIGUSR2));
  pid_t child = CHECK_SYS(fork());
  if (child == 0) {
    call_around();
    CHECK(disposition() == on_sys && handled == 0);
    CHECK_SYS(raise(SIGSYS));
    call_around();
    CHECK(handled == 1 && disposition() == on_sys);
    _exit(0);
  }
  wait_exit(child, 0);
  CHECK(handled == 0);

  CHECK(signal(SIGSYS, SIG_IGN) == on_sys);
  call_around();
  child = CHECK_SYS(fork());
  if (child == 0) {
    call_around();
    CHECK(disposition() == SIG_IGN);
    char *arguments[] = {argv[0], "ignored", NULL};
    execv(self_path(), arguments);
    _exit(9);
  }
  wait_exit(child, 0);
  child = CHECK_SYS(fork());
  if (child == 0) {
    call_around();
    CHECK_SYS(kill(getpid(), SIGSYS));
    call_around();
    CHECK(disposition() == SIG_IGN);
    CHECK_ZERO(pthread_sigmask(SIG_SETMASK, &all, NULL));
    call_around();
    CHECK(blocks(SIGSYS) && disposition() == SIG_IGN);
    /* Kept for sigwait while it is blocked, though it is ignored. */
    CHECK_SYS(kill(getpid(), SIGSYS));
    call_around();
    sigset_t set = signal_set(SIGSYS);
    CHECK(sigwaitinfo(&set, NULL) == SIGSYS);
    _exit(0);
  }
  wait_exit(child, 0);
  CHECK(signal(SIGSYS, on_sys) == SIG_IGN);
  call_around();
  CHECK_SYS(raise(SIGSYS));
  CHECK(handled == 1);
  return done();
}
